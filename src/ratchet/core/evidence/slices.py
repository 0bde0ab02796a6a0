"""The gain in each part of the rows that `gate.slices` names, with its p value of being worse.

A slice is tested by the cluster t of `ratchet.core.comparison`, with the clusters that have rows in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ratchet.core.clusters import Floats, Groups, bounds
from ratchet.core.comparison import ROUND_OFF, p_values
from ratchet.core.evidence.rows import Bools, JudgedRows, Pair
from ratchet.core.findings import Estimate, SliceCheck, SliceGain
from ratchet.core.gate_params import Gate
from ratchet.core.metrics import row_losses
from ratchet.core.slicing import Cut, Gains, cut, gains_by, gains_of


def slice_check(rows: JudgedRows, policy: Gate, pair: Pair) -> SliceCheck | None:
    """The gain by `gate.metric` in each slice of the columns of `gate.slices.by`.

    None if it names no column, or a model of the pair has no scores. A column that `rows.table` lacks has no slices.
    Slices of fewer than `min_rows` rows, or of one cluster, are counted and not tested. Raises UsageError if
    `gate.metric` has no loss per row.
    """
    if not policy.slices.by or not rows.has(pair):
        return None
    gained = Gained.of(rows, policy.metric, pair, alpha=policy.slices.alpha)
    columns = [each for each in dict.fromkeys(policy.slices.by) if each in rows.table]
    cuts = [cut(column, rows.table[column]) for column in columns]
    measured = [gained.by(one) for one in cuts]
    enough = [(by.rows >= policy.slices.min_rows) & (by.clusters > 1) for by in measured]
    return SliceCheck(
        min_rows=policy.slices.min_rows,
        tested={column: int(chosen.sum()) for column, chosen in zip(columns, enough, strict=True)},
        too_small=sum(int(((by.rows > 0) & ~chosen).sum()) for by, chosen in zip(measured, enough, strict=True)),
        gains=tuple(
            each
            for one, by, chosen in zip(cuts, measured, enough, strict=True)
            for each in gained.slices(one, by, chosen)
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Gained:
    """(n,) gains of the challenger, the clusters of their rows, what is rounding, and the level of intervals."""

    gains: Floats
    groups: Groups
    dust: float
    alpha: float

    @classmethod
    def of(cls, rows: JudgedRows, metric: str, pair: Pair, *, alpha: float) -> Gained:
        """By a metric with a loss per row. Raises UsageError if it has none."""
        reference, challenger = (row_losses(metric, rows.target, rows.scores[name], rows.prices) for name in pair)
        dust = ROUND_OFF * float(np.mean(np.abs(reference) / 2 + np.abs(challenger) / 2))
        return cls(gains=gains_of(reference, challenger), groups=rows.groups, dust=dust, alpha=alpha)

    def only(self, chosen: Bools) -> Gained:
        """Of the rows that an (n,) mask chooses."""
        groups = replace(self.groups, codes=self.groups.codes[chosen])
        return replace(self, gains=self.gains[chosen], groups=groups)

    def by(self, one: Cut) -> Gains:
        """The gains in each slice of a cut."""
        return gains_by(one.codes, len(one.texts), self.gains, self.groups)

    def slices(self, one: Cut, by: Gains, chosen: Bools) -> Iterator[SliceGain]:
        """The chosen slices of a cut as findings, in their order; undefined where a loss is not finite."""
        for which in np.flatnonzero(chosen).tolist():
            estimate = self._estimate(by, which)
            yield SliceGain(column=one.column, value=one.value(which), gain=estimate, p_worse=self.p_worse(estimate))

    def p_worse(self, estimate: Estimate) -> float | None:
        """Of the hypothesis that the true gain is at least 0; None if the estimate is undefined."""
        if estimate.value is None or estimate.standard_error is None:
            return None
        return p_values(estimate.value, estimate.standard_error, estimate.clusters - 1, self.dust)[1]

    def _estimate(self, by: Gains, which: int) -> Estimate:
        value, clusters = float(by.mean[which]), int(by.clusters[which])
        defined = bool(np.isfinite(value))
        error = float(by.error[which]) if defined and clusters > 1 else None
        low, high = bounds(value, error, clusters - 1, self.alpha)
        return Estimate(
            value=value if defined else None,
            low=low,
            high=high,
            standard_error=error,
            rows=int(by.rows[which]),
            clusters=clusters,
            assumed_independent=self.groups.independent,
        )
