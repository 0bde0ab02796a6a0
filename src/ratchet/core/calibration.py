"""Do probabilities mean what they say? Logistic recalibration of a binary model: Cox, Biometrika 45, 1958.

The label's log odds are modelled as `intercept + slope * logit(prediction)`. A perfect model has slope 1 (below:
its predictions are too extreme; above: too timid) and, with the slope held at 1, intercept 0 (above: too low on
average; below: too high). Reading them: Van Calster et al., "Calibration: the Achilles heel of predictive
analytics", BMC Medicine 17, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.ranking import Parts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Labels = NDArray[np.int64] | NDArray[np.float64]
"""(n,) zeros and ones."""

CLIP = 1e-15
"""Predictions are kept this far from 0 and 1, where the logit is infinite."""
SAME_LOGIT = 1e-9
"""Logits that differ by less are one prediction: no slope can be fitted to them."""
ECE_BINS = 10
NEWTON_STEPS = 100
SURE = 1.0
"""A Newton step that moves no row's log odds by more than r is one uphill if e^r - r - 1 < r^2: below r = 1.79."""
CONVERGED = 1e-6
"""After a step that moves no row's log odds by more than r, at most r/2 of it is left to go: with this r, no digit.

Both: Bach, Electronic J. Statistics 4, 2010, section 2: a likelihood's curvature changes by a factor of e^r at most.
"""
LIKELIHOOD_NOISE = 1e-12
"""Relative; a likelihood that falls by less has fallen by rounding alone."""


NOWHERE: Final[Floats] = np.zeros(2)
"""Intercept and slope 0, where a fit begins that knows no better."""


@dataclass(frozen=True)
class Reliability:
    """One entry per bin, in ascending order of prediction: mean prediction, share of ones, rows. No bin is empty."""

    predicted: Floats
    observed: Floats
    count: NDArray[np.int64]


def quantile_bins(labels: Labels, predictions: Floats, bins: int) -> Reliability:
    """Predictions in `bins` bins of equally many rows (fewer where predictions are equal: equal ones share a bin)."""
    index = np.searchsorted(_edges(predictions, bins), predictions)
    count = np.bincount(index, minlength=bins)
    used = count > 0
    predicted = np.bincount(index, weights=predictions, minlength=bins)
    observed = np.bincount(index, weights=labels, minlength=bins)
    return Reliability(predicted[used] / count[used], observed[used] / count[used], count[used].astype(np.int64))


def _edges(predictions: Floats, bins: int) -> Floats:
    """Between bins; a prediction that equals one is in the bin below it."""
    return np.asarray(np.quantile(predictions, np.linspace(0, 1, bins + 1)[1:-1]))


def expected_calibration_error(labels: Labels, predictions: Floats) -> float:
    """Mean gap between predicted and observed share, over ten bins of equally many rows.

    Naeini et al., AAAI 2015; bins of equally many rows: Nixon et al., CVPR workshops 2019.
    """
    bins = quantile_bins(labels, predictions, ECE_BINS)
    return float(np.average(np.abs(bins.predicted - bins.observed), weights=bins.count))


def expected_calibration_errors(labels: Labels, predictions: Floats) -> Parts:
    """`expected_calibration_error` of any part of the rows, to ten digits: they are sorted once."""
    order = np.argsort(predictions, kind="stable")
    ranked = predictions[order]
    excess = ranked - labels[order]

    def of_part(rows: Bools) -> float:
        chosen = rows[order]
        here = ranked[chosen]
        firsts = np.unique(np.append(0, np.searchsorted(here, _edges(here, ECE_BINS), side="right")))
        gaps = np.add.reduceat(excess[chosen], firsts[firsts < len(here)])
        return float(np.abs(gaps).sum() / len(here))

    return of_part


def calibration_slope(labels: Labels, predictions: Floats) -> float:
    """The fitted slope of `predictions`, (n,) probabilities of a 1.

    NaN if one class is alone, if a threshold separates the classes (the slope is infinite) or if all predictions
    are the same.
    """
    return _slope(_Logits.of(labels, predictions))


def slopes(labels: Labels, predictions: Floats) -> Parts:
    """`calibration_slope` of any part of the rows, to ten digits: its fit begins where that of all rows ended."""
    whole = _Logits.of(labels, predictions)
    start = _fit(whole, NOWHERE) if whole.fits else None
    return lambda rows: _slope(whole.only(rows), start)


def calibration_intercept(labels: Labels, predictions: Floats) -> float:
    """The fitted intercept with the slope held at 1; NaN if one class is alone.

    It moves the predictions, on the scale of the logit, until their mean is the share of ones.
    """
    return _intercept(_Logits.of(labels, predictions))


def intercepts(labels: Labels, predictions: Floats) -> Parts:
    """`calibration_intercept` of any part of the rows, to ten digits: its search begins where that of all ended."""
    whole = _Logits.of(labels, predictions)
    start = _intercept(whole)
    return lambda rows: _intercept(whole.only(rows), start if np.isfinite(start) else 0.0)


@dataclass(frozen=True, kw_only=True)
class _Logits:
    """(n,) logits, those of the ones first. `order`: which of all rows each of all came from; `ends`: of all logits."""

    values: Floats
    ones: int
    order: NDArray[np.intp]
    ends: Floats

    @classmethod
    def of(cls, labels: Labels, predictions: Floats) -> Self:
        """All rows."""
        clipped = np.clip(predictions, CLIP, 1 - CLIP)
        logits = np.log(clipped) - np.log1p(-clipped)
        ones = np.flatnonzero(labels == 1)
        order = np.concatenate([ones, np.flatnonzero(labels != 1)])
        return cls(values=logits[order], ones=len(ones), order=order, ends=np.array([logits.min(), logits.max()]))

    def only(self, rows: Bools) -> Self:
        """The part that an (n,) mask of all rows chooses."""
        chosen = rows[self.order]
        return replace(self, values=self.values[chosen], ones=int(np.count_nonzero(chosen[: self.ones])))

    @property
    def mixed(self) -> bool:
        """Whether both classes are there."""
        return 0 < self.ones < len(self.values)

    @property
    def fits(self) -> bool:
        """Whether there is a slope: both classes, no threshold between them, and logits that differ."""
        if not self.mixed or np.ptp(self.values) <= SAME_LOGIT:
            return False
        ones, zeros = self.values[: self.ones], self.values[self.ones :]
        return bool(ones.min() < zeros.max() and ones.max() > zeros.min())


def _slope(rows: _Logits, start: Floats | None = None) -> float:
    if not rows.fits:
        return np.nan
    weights = None if start is None else _fit(rows, start)
    if weights is None:
        weights = _fit(rows, NOWHERE)
    return np.nan if weights is None else float(weights[1])


def _fit(rows: _Logits, start: Floats) -> Floats | None:
    """The maximum likelihood intercept and slope by Newton's method; None if they are not found."""
    weights = start
    for _ in range(NEWTON_STEPS):
        step = _newton_step(rows, weights)
        if step is None:
            return None
        moved = np.abs(step[0] + step[1] * rows.ends).max()
        weights = weights + (step if moved <= SURE else _uphill(rows, weights, step))
        if moved <= CONVERGED:
            return weights
    return None


def _newton_step(rows: _Logits, weights: Floats) -> Floats | None:
    """The likelihood's slope over its curvature; None where none is left.

    About their mean, weighted as the curvature weighs them, the logits are orthogonal to the intercept.
    """
    mean = _sigmoid(weights[0] + weights[1] * rows.values)
    weight = mean * (1 - mean)
    flat = weight.sum()
    if not flat > 0:
        return None
    # Not by `@`: BLAS adds in another order on each kind of processor, and so the last digits would differ.
    middle = (weight * rows.values).sum() / flat
    logits = rows.values - middle
    bend = (weight * logits * logits).sum()
    if not bend > 0:
        return None
    tilt = (logits[: rows.ones].sum() - (mean * logits).sum()) / bend
    return np.array([(rows.ones - mean.sum()) / flat - tilt * middle, tilt])


def _uphill(rows: _Logits, weights: Floats, step: Floats) -> Floats:
    """The step, halved while it would lower the likelihood."""
    worst = _misfit(rows, weights) * (1 + LIKELIHOOD_NOISE)
    while _misfit(rows, weights + step) > worst:
        step = step / 2
    return step


def _misfit(rows: _Logits, weights: Floats) -> float:
    """The negative log likelihood: the sum of log(1 + exp(against)); `logaddexp` takes twice the time."""
    against = weights[0] + weights[1] * rows.values
    against[: rows.ones] *= -1
    return float((np.maximum(against, 0) + np.log1p(np.exp(-np.abs(against)))).sum())


def _intercept(rows: _Logits, start: float = 0.0) -> float:
    """By Newton's method, or between two bounds where a step leaps too far to be sure of."""
    if not rows.mixed:
        return np.nan
    move = start
    for _ in range(NEWTON_STEPS):
        mean = _sigmoid(rows.values + move)
        flat = float((mean * (1 - mean)).sum())
        step = (rows.ones - float(mean.sum())) / flat if flat > 0 else np.inf
        if abs(step) > SURE:
            break
        move += step
        if abs(step) <= CONVERGED:
            return move
    return _searched(rows)


def _searched(rows: _Logits) -> float:
    from scipy.optimize import brentq

    share = rows.ones / len(rows.values)
    aim = np.log(share / (1 - share))
    # Moved to the low end every prediction lies below the share of ones, moved to the high end above it.
    low, high = aim - rows.values.max() - 1, aim - rows.values.min() + 1
    return float(brentq(lambda move: _sigmoid(rows.values + move).mean() - share, low, high))


def _sigmoid(odds: Floats) -> Floats:
    """Odds too low for `exp` give 0."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-odds)))
