"""Is the challenger better than the reference, on the same rows, by more than luck? And how many rows would tell?

Each row's gain is the reference's loss minus the challenger's; the mean gain is tested with whole clusters as the
observations (ratchet.core.clusters). Superiority is margin 0; non-inferiority is a margin above.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.clusters import (
    Floats,
    Groups,
    bounds,
    check_level,
    group,
    interval,
    jackknife,
    refused,
    row_values,
    spread,
    standard_error,
    usable,
)
from ratchet.core.findings import Advice, Comparison, Estimate
from ratchet.errors import UsageError

__all__ = [
    "Advice",
    "Comparison",
    "Estimate",
    "compare",
    "interval",
    "jackknife",
    "normal_rows",
    "p_values",
    "rows_needed",
]

ROUND_OFF = 1e-12
"""Relative to the mean loss: a difference no larger is rounding, not a difference between models."""
SIGN_FLIP_CLUSTERS = 12
"""Up to here all 2^clusters flips are enumerated; with more clusters the t test needs no second opinion."""


def compare(
    reference_loss: Floats,
    challenger_loss: Floats,
    clusters: ArrayLike | None = None,
    *,
    alpha: float,
    margin: float = 0.0,
) -> Comparison:
    """Compare two models by their (n,) losses on the same rows; `clusters` names each row's, None: all independent.

    Identical losses are no evidence of better with margin 0, and evidence of "not worse" with a margin above.
    Raises UsageError on unequal lengths, no rows, a loss that is not finite, a missing cluster, a bad alpha or margin.
    """
    check_level(alpha)
    if not 0 <= margin < math.inf:
        raise UsageError(f"margin is a loss of at least 0, not {margin}", next_step="mend gate.margin in params.yaml")
    reference, challenger = _finite_losses(reference_loss, "reference"), _finite_losses(challenger_loss, "challenger")
    if len(reference) != len(challenger):
        raise refused(f"{len(reference):,} reference losses and {len(challenger):,} challenger losses are not paired")
    dust = ROUND_OFF * float(np.mean(np.abs(reference) / 2 + np.abs(challenger) / 2))
    gains = reference - challenger
    if np.abs(gains).max() <= dust:
        gains = np.zeros_like(gains)
    return _judge(gains, group(clusters, len(gains)), dust=dust, alpha=alpha, margin=margin)


def _finite_losses(values: Floats, whose: str) -> Floats:
    losses = row_values(values, whose)
    bad = int(np.sum(~usable(losses)))
    if bad:
        raise refused(f"{bad:,} of {len(losses):,} {whose} losses are not finite")
    return losses


def _judge(gains: Floats, groups: Groups, *, dust: float, alpha: float, margin: float) -> Comparison:
    gain, error, sd = float(gains.mean()), standard_error(gains, groups), spread(gains)
    low, high = bounds(gain, error, groups.count - 1, alpha)
    better, worse = p_values(gain + margin, error, groups.count - 1, dust)
    return Comparison(
        gain=gain,
        low=low,
        high=high,
        standard_error=error,
        p_better=better,
        p_worse=worse,
        sign_flip=_sign_flip(gains + margin, groups),
        rows=len(gains),
        clusters=groups.count,
        assumed_independent=groups.independent,
        design_effect=None if error is None or sd <= dust else len(gains) * (error / sd) ** 2,
        sd=sd,
        lag1=_lag1(gains, groups),
        alpha=alpha,
        margin=margin,
    )


def p_values(shifted: float, error: float | None, degrees: int, dust: float) -> tuple[float, float]:
    """(p_better, p_worse) of a mean gain plus the margin, from its standard error (None: one cluster) by Student's t.

    Without spread the sign of the shifted gain decides, and no difference, nothing above `dust`, decides nothing.
    """
    from scipy.special import stdtr

    if error is None or max(abs(shifted), error) <= dust:
        return 1.0, 1.0
    if error <= dust:
        return (0.0, 1.0) if shifted > 0 else (1.0, 0.0)
    return float(stdtr(degrees, -shifted / error)), float(stdtr(degrees, shifted / error))


def _sign_flip(shifted: Floats, groups: Groups) -> float | None:
    """Share of all flips of whole clusters whose total is at least the observed one; the lowest is 2^-clusters."""
    if not 2 <= groups.count <= SIGN_FLIP_CLUSTERS:
        return None
    sums = np.bincount(groups.codes, weights=shifted, minlength=groups.count)
    bits = np.arange(2**groups.count)[:, None] >> np.arange(groups.count) & 1
    totals = (1 - 2 * bits) @ sums
    return float(np.mean(totals >= sums.sum() - ROUND_OFF * np.abs(sums).sum()))


def _lag1(gains: Floats, groups: Groups) -> float | None:
    """None with fewer than three clusters, without spread, or if rows have no order of clusters."""
    if groups.independent or groups.count < 3:
        return None
    counts = np.bincount(groups.codes, minlength=groups.count)
    means = np.bincount(groups.codes, weights=gains, minlength=groups.count) / counts
    sd = spread(means)
    if not sd:
        return None
    steps = (means - means.mean()) / sd
    return float((steps[:-1] * steps[1:]).sum()) / (groups.count - 1)


def rows_needed(comparison: Comparison, *, alpha: float, power: float, min_effect: float) -> Advice | None:
    """Rows, and clusters of the present mean size, that find a true gain of `min_effect` with this power.

    None if the comparison does not say how much rows vary.
    """
    if comparison.design_effect is None:
        return None
    rows = normal_rows(comparison.sd, comparison.design_effect, alpha=alpha, power=power, min_effect=min_effect)
    if not math.isfinite(rows):
        return None
    return Advice(rows=math.ceil(rows), clusters=math.ceil(rows * comparison.clusters / comparison.rows))


def normal_rows(sd: float, design_effect: float, *, alpha: float, power: float, min_effect: float) -> float:
    """design effect * ((z(1 - alpha) + z(power)) * sd / min_effect)^2: what the normal approximation asks for.

    A design effect below 1 is the luck of few clusters and is not counted on.
    """
    from scipy.special import ndtri

    ratio = max(0.0, float(ndtri(1 - alpha) + ndtri(power))) * sd / min_effect
    return max(1.0, design_effect) * ratio * ratio
