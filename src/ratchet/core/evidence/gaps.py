"""How far groups of rows are apart under each model, and by how much more under the challenger.

The three gaps of classification are fairlearn's: the largest difference between two groups in the share of positive
predictions, in the error rates (the larger of both), or in the hit rate. `loss_gap` is the same of the mean loss by
`gate.metric`. Intervals are the delete-one-cluster jackknife's; a difference of the largest and the smallest of several
groups that are truly alike is above 0 by luck alone, which makes the bounds cautious.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.clusters import Floats, Replicates, jackknifed, replicates
from ratchet.core.evidence.rows import Bools, JudgedRows, Pair
from ratchet.core.findings import Estimate, GroupGap
from ratchet.core.gate_params import Gap, Gate
from ratchet.core.metrics import row_losses
from ratchet.core.params import Task
from ratchet.core.slicing import Codes, Cut, cut
from ratchet.errors import UsageError

LOSS_GAP: Gap = "loss_gap"
MIN_GROUP = 30
"""A group with fewer rows says little about its rate, and one such group would make every gap large."""


def check_gaps(policy: Gate, task: Task) -> None:
    """Raises UsageError if `gate.fairness` names a gap that the task does not have."""
    if task == "binary":
        return
    for column, gaps in policy.fairness.items():
        for gap in gaps:
            if gap != LOSS_GAP:
                raise UsageError(
                    f"gate.fairness.{column}.{gap} is of yes or no, and this project is {task}",
                    next_step=f"ask for {LOSS_GAP} in params.yaml: it compares the mean loss of the groups",
                )


def group_gaps(rows: JudgedRows, policy: Gate, pair: Pair) -> tuple[GroupGap, ...]:
    """One finding per column and gap of `gate.fairness`; a column that `rows.table` lacks has none.

    Groups are the slices of the column: its values, or the quartiles of a number. Those of fewer than 30 rows are named
    and left out; with fewer than two groups nothing is estimated. Raises UsageError as `check_gaps`.
    """
    check_gaps(policy, rows.task)
    found = list[GroupGap]()
    for column, gaps in sorted(policy.fairness.items()):
        if column not in rows.table:
            continue
        groups = cut(column, rows.table[column])
        compared = [number for number, count in enumerate(_counts(groups)) if count >= MIN_GROUP]
        grouped = _Grouped(rows.only(np.isin(groups.codes, compared)), groups, compared)
        found += (_found(grouped, gap, policy, pair) for gap in sorted(gaps))
    return tuple(found)


@dataclass(frozen=True)
class _Grouped:
    """The rows of the groups that are compared, all groups, and the numbers of those."""

    rows: JudgedRows
    groups: Cut
    compared: Sequence[int]

    @cached_property
    def codes(self) -> Codes:
        """(n,) each row's group, numbered without gaps."""
        codes = self.groups.codes
        return np.searchsorted(self.compared, codes[np.isin(codes, self.compared)])

    def named(self, *, compared: bool) -> dict[str, int]:
        """Rows by group, of those that are compared or of the others."""
        counts = enumerate(_counts(self.groups))
        return {self.groups.value(one): n for one, n in counts if n and (one in self.compared) == compared}


def _counts(groups: Cut) -> list[int]:
    counts: list[int] = np.bincount(groups.codes, minlength=len(groups.texts)).tolist()
    return counts


def _found(grouped: _Grouped, gap: Gap, policy: Gate, pair: Pair) -> GroupGap:
    alpha, rows = policy.fairness[grouped.groups.column][gap].alpha, grouped.rows
    of = {name: _replicates(grouped, gap, policy.metric, name) for name in pair if name in rows.scores}
    reference, challenger = (of.get(name) if len(grouped.compared) > 1 else None for name in pair)
    return GroupGap(
        column=grouped.groups.column,
        gap=gap,
        groups=grouped.named(compared=True),
        left_out=grouped.named(compared=False),
        challenger=_estimate(challenger, alpha),
        reference=_estimate(reference, alpha),
        increase=_estimate(_increase(reference, challenger), alpha),
    )


def _estimate(found: Replicates | None, alpha: float) -> Estimate | None:
    return jackknifed(found, alpha=alpha) if found else None


def _increase(reference: Replicates | None, challenger: Replicates | None) -> Replicates | None:
    """The same clusters were left out of both, so that the increase without them is that of their two gaps."""
    if reference is None or challenger is None:
        return None
    left_out = challenger.left_out - reference.left_out
    return replace(challenger, value=challenger.value - reference.value, left_out=left_out)


def _replicates(grouped: _Grouped, gap: Gap, metric: str, model: str) -> Replicates | None:
    if len(grouped.compared) < 2:
        return None
    rows, scores = grouped.rows, grouped.rows.scores[model]
    if gap == LOSS_GAP:
        losses = row_losses(metric, rows.target, scores, rows.prices)
        return replicates(_loss_gap, (grouped.codes, losses), rows.cluster_numbers)
    if not np.isfinite(scores).all():
        return replicates(lambda _: np.nan, (scores,), rows.cluster_numbers)
    said = (scores[:, 1] >= rows.threshold).astype(np.intp)
    cells = (grouped.codes * 2 + rows.target.astype(np.intp)) * 2 + said
    return replicates(partial(_by_fairlearn, gap), (cells,), rows.cluster_numbers, part=partial(_by_counts, gap, cells))


def _loss_gap(codes: Codes, losses: Floats) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.ptp(np.bincount(codes, weights=losses) / np.bincount(codes)))


def _by_fairlearn(gap: Gap, cells: Codes) -> float:
    """The gap of all rows, from cells: each group's rows by what is true and what was said, counted."""
    from fairlearn import metrics

    counts = np.bincount(cells, minlength=4 * (int(cells.max()) // 4 + 1))
    if not np.isfinite(_gap_of(gap, counts)):
        return np.nan  # fairlearn takes the rate of no rows for 0
    filled = np.flatnonzero(counts)
    difference: Callable[..., float] = getattr(metrics, gap)
    return float(
        difference(
            filled // 2 % 2, filled % 2, sensitive_features=filled // 4, sample_weight=counts[filled].astype(np.float64)
        )
    )


def _by_counts(gap: Gap, cells: Codes, chosen: Bools) -> float:
    """The same of the rows that a mask chooses, much faster: it is asked for once per cluster that is left out."""
    return _gap_of(gap, np.bincount(cells, weights=chosen, minlength=4 * (int(cells.max()) // 4 + 1)))


def _gap_of(gap: Gap, counts: NDArray[Any]) -> float:
    """From (4 groups,) counts; NaN where a group has no rows that its rate is made of."""
    (true_no, false_yes), (false_no, true_yes) = np.moveaxis(counts.reshape(-1, 2, 2), 0, -1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        hits, alarms = true_yes / (true_yes + false_no), false_yes / (false_yes + true_no)
        if gap == "demographic_parity_difference":
            rows = true_no + false_yes + false_no + true_yes
            return float(np.ptp((true_yes + false_yes) / rows))
    return float(np.ptp(hits)) if gap == "equal_opportunity_difference" else float(max(np.ptp(hits), np.ptp(alarms)))
