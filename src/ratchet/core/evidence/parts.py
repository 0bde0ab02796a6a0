"""Estimates on the parts of the rows that the conditions of `gate.conditions` name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ratchet.core.conditions.mask import mask
from ratchet.core.conditions.tree import Subject, Where
from ratchet.core.conditions.words import canonical
from ratchet.core.evaluation import Scored, metric_row
from ratchet.core.evidence.asked import subjects_asked
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.gate_params import Gate
from ratchet.core.metrics import METRICS
from ratchet.errors import UsageError


def part_estimates(rows: JudgedRows, policy: Gate, pair: Pair) -> dict[str, Estimate]:
    """By the text of what is asked, such as 'gain.log_loss[origin = "EWR"]'; what cannot be measured is not there.

    That is what asks for a column that `rows.table` lacks, or that holds other things than it is compared with, and
    what is of a model without scores. A part without rows is there, and undefined.
    """
    asked = [each for each in subjects_asked(policy, rows.task) if each.where.terms and not each.is_cost]
    found = dict[str, Estimate]()
    for where in {each.where for each in asked}:
        here = [each for each in asked if each.where == where]
        part = _part(rows, where)
        measured = _measured(part, {each.name for each in here}, pair, policy.alpha) if part else {}
        for each in here:
            estimate = _empty(rows) if part and not len(part.target) else _estimate(each, measured, pair)
            if estimate:
                found[canonical(each)] = estimate
    return dict(sorted(found.items()))


def _part(rows: JudgedRows, where: Where) -> JudgedRows | None:
    """The rows of a slice; None if the table cannot say which they are."""
    try:
        return rows.only(mask(where, rows.table))
    except UsageError:
        return None


def _measured(part: JudgedRows, names: Collection[str], pair: Pair, alpha: float) -> Mapping[str, MetricRow]:
    if not len(part.target):
        return {}
    scored = Scored(
        target=part.target,
        models=part.scores,
        clusters=part.cluster_numbers,
        pair=pair,
        alpha=alpha,
        prices=part.prices,
    )
    return {name: metric_row(METRICS[name], scored) for name in names}


def _estimate(asked: Subject, measured: Mapping[str, MetricRow], pair: Pair) -> Estimate | None:
    row = measured.get(asked.name)
    if row is None or asked.whose == "gain":
        return row.gain if row else None
    return row.models.get(pair.challenger if asked.whose == "challenger" else pair.reference)


def _empty(rows: JudgedRows) -> Estimate:
    return Estimate(
        value=None,
        low=None,
        high=None,
        standard_error=None,
        rows=0,
        clusters=0,
        assumed_independent=rows.clusters is None,
    )
