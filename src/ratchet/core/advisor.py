"""How many labels a decision takes: rows, whole clusters, and weeks of traffic; and what those at hand can find.

The normal formula (ratchet.core.comparison.normal_rows) is right for many clusters. The gate's test is a t test over
clusters, and with few of them, or at a small level, it needs more: its power is that of the noncentral t distribution
(Cohen, "Statistical Power Analysis", 1988, ch. 12; Guenther, The American Statistician 35, 1981).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field

from ratchet.core.clusters import Floats, check_level
from ratchet.core.comparison import normal_rows
from ratchet.core.findings import Advice, Comparison
from ratchet.errors import UsageError

FEWEST = 2
"""Clusters: one has no spread."""
MANY = 100_000
"""Clusters beyond which the standard error is as good as known."""
QUANTILES = 2_000
"""Of the estimated standard error: power to a thousandth, also where scipy's noncentral t gives up (2 clusters)."""
HALVINGS = 50
"""Of the interval that holds the detectable effect: to the last digits."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a row's gain varies: its standard deviation, and how much rows of one cluster share.

    `design_effect` is for clusters of `rows_per_cluster`; independent rows have 1 and 1. Below 1 it counts as 1.
    """

    sd: float
    design_effect: float
    rows_per_cluster: float

    @classmethod
    def of(cls, comparison: Comparison) -> Self | None:
        """That of two models that were compared; None if the comparison does not say how much rows vary."""
        if comparison.design_effect is None:
            return None
        size = comparison.rows / comparison.clusters
        return cls(sd=comparison.sd, design_effect=comparison.design_effect, rows_per_cluster=size)

    def error(self, clusters: int) -> float:
        """The standard error of the mean gain of that many clusters."""
        return self.sd * math.sqrt(max(1.0, self.design_effect) / (clusters * self.rows_per_cluster))


class Plan(Advice):
    """Rows and whole clusters to label, and how long they take to come."""

    weeks: float | None = Field(description="of traffic; None: it was not said how many clusters a week brings")
    power: float = Field(description="with which these clusters find the effect; at least the planned one")


def plan_labels(
    spread: Spread, *, alpha: float, power: float, min_effect: float, clusters_per_week: float | None = None
) -> Plan:
    """The fewest clusters that find a true gain of `min_effect` at one-sided level `alpha` with this power.

    For "not worse by more than a margin", an equal model's true gain is the margin away from what is tested: plan with
    `min_effect` the margin. Raises UsageError on a level, power, effect or traffic that is none, or out of all reach.
    """
    _check(
        spread, alpha=alpha, power=power, positive={"min_effect": min_effect, "clusters_per_week": clusters_per_week}
    )
    rows = normal_rows(spread.sd, spread.design_effect, alpha=alpha, power=power, min_effect=min_effect)
    if not rows / spread.rows_per_cluster < 2**53:
        raise _refused(f"a gain of {min_effect:g} is out of reach: rows vary by {spread.sd:g}")
    low = max(FEWEST, math.ceil(rows / spread.rows_per_cluster))
    high = low
    while power_of(spread, clusters=high, alpha=alpha, effect=min_effect) < power:
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        enough = power_of(spread, clusters=middle, alpha=alpha, effect=min_effect) >= power
        low, high = (low, middle) if enough else (middle + 1, high)
    return Plan(
        rows=math.ceil(high * spread.rows_per_cluster),
        clusters=high,
        weeks=None if clusters_per_week is None else high / clusters_per_week,
        power=power_of(spread, clusters=high, alpha=alpha, effect=min_effect),
    )


def power_of(spread: Spread, *, clusters: int, alpha: float, effect: float) -> float:
    """The chance that the gate's test at level `alpha` finds a true gain of `effect` with that many clusters.

    0 where it can find nothing: a single cluster, or an alpha of 0 as an exhausted ledger has it.
    """
    critical, error = _critical(clusters, alpha), spread.error(clusters) if clusters else math.inf
    if math.isinf(critical):
        return 0.0
    return _power(effect / error, critical, _errors(clusters)) if error else 1.0


def detectable_effect(spread: Spread, *, clusters: int, alpha: float, power: float) -> float:
    """The smallest true gain that the gate's test at level `alpha` finds with this power in that many clusters.

    Infinite where it can find nothing. Above `gate.min_effect` the rows are exhausted: even a gain worth having would
    be missed more often than planned. Raises UsageError on a power that is none.
    """
    _check(spread, alpha=0.5, power=power, positive={})
    critical = _critical(clusters, alpha)
    if math.isinf(critical):
        return math.inf
    errors = _errors(clusters)
    low, high = 0.0, critical + 1
    while _power(high, critical, errors) < power:
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, critical, errors) >= power else (middle, high)
    return high * spread.error(clusters)


def _power(shift: float, critical: float, errors: Floats) -> float:
    """The upper tail of the noncentral t, averaged over the estimated standard errors in units of the true one."""
    from scipy.special import ndtr

    return float(ndtr(shift - critical * errors).mean())


def _errors(clusters: int) -> Floats:
    """The quantiles of what the standard error may be estimated as: the root of chi-square over its degrees."""
    from scipy.special import chdtri

    if clusters > MANY:
        return np.ones(1)
    shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
    errors: Floats = np.sqrt(chdtri(clusters - 1, shares) / (clusters - 1))
    return errors


def _critical(clusters: int, alpha: float) -> float:
    """The t value that shows a gain; infinite where none does. Far below 1e-100 scipy's quantile turns over."""
    from scipy.special import stdtrit

    if clusters < FEWEST or alpha <= 0:
        return math.inf
    value = -float(stdtrit(clusters - 1, alpha))
    return value if 0 <= value < math.inf else math.inf


def _check(spread: Spread, *, alpha: float, power: float, positive: dict[str, float | None]) -> None:
    check_level(alpha)
    if not 0 < power < 1:
        raise _refused(f"power is a chance between 0 and 1, not {power}")
    positive = positive | {"rows_per_cluster": spread.rows_per_cluster}
    for name, value in positive.items():
        if value is not None and not 0 < value < math.inf:
            raise _refused(f"{name} is a number above 0, not {value}")
    if not (0 <= spread.sd < math.inf and 0 <= spread.design_effect < math.inf):
        raise _refused(f"sd {spread.sd} and design effect {spread.design_effect} do not say how rows vary")


def _refused(message: str) -> UsageError:
    return UsageError(message, next_step="mend gate.alpha, gate.power or gate.min_effect, or ask for another plan")
