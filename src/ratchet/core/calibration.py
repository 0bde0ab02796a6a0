"""Do probabilities mean what they say? Logistic recalibration of a binary model: Cox, Biometrika 45, 1958.

The label's log odds are modelled as `intercept + slope * logit(prediction)`. A perfect model has slope 1 (below:
its predictions are too extreme; above: too timid) and, with the slope held at 1, intercept 0 (above: too low on
average; below: too high). Reading them: Van Calster et al., "Calibration: the Achilles heel of predictive
analytics", BMC Medicine 17, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.ranking import Parts

Floats = NDArray[np.float64]
Labels = NDArray[np.int64] | NDArray[np.float64]
"""(n,) zeros and ones."""

CLIP = 1e-15
"""Predictions are kept this far from 0 and 1, where the logit is infinite."""
SAME_LOGIT = 1e-9
"""Logits that differ by less are one prediction: no slope can be fitted to them."""
ECE_BINS = 10
NEWTON_STEPS = 100
CONVERGED = 1e-9
SCORE_SLACK = 1e-7
"""At the maximum the likelihood's slope is zero; relative to the design, what is left of it must be below this."""
LIKELIHOOD_NOISE = 1e-12
"""Relative; a likelihood that falls by less has fallen by rounding alone."""


@dataclass(frozen=True)
class Reliability:
    """One entry per bin, in ascending order of prediction: mean prediction, share of ones, rows. No bin is empty."""

    predicted: Floats
    observed: Floats
    count: NDArray[np.int64]


def quantile_bins(labels: Labels, predictions: Floats, bins: int) -> Reliability:
    """Predictions in `bins` bins of equally many rows (fewer where predictions are equal: equal ones share a bin)."""
    edges = np.quantile(predictions, np.linspace(0, 1, bins + 1)[1:-1])
    index = np.searchsorted(edges, predictions)
    count = np.bincount(index, minlength=bins)
    used = count > 0
    predicted = np.bincount(index, weights=predictions, minlength=bins)
    observed = np.bincount(index, weights=labels, minlength=bins)
    return Reliability(predicted[used] / count[used], observed[used] / count[used], count[used].astype(np.int64))


def expected_calibration_error(labels: Labels, predictions: Floats) -> float:
    """Mean gap between predicted and observed share, over ten bins of equally many rows.

    Naeini et al., AAAI 2015; bins of equally many rows: Nixon et al., CVPR workshops 2019.
    """
    bins = quantile_bins(labels, predictions, ECE_BINS)
    return float(np.average(np.abs(bins.predicted - bins.observed), weights=bins.count))


def calibration_slope(labels: Labels, predictions: Floats) -> float:
    """The fitted slope of `predictions`, (n,) probabilities of a 1.

    NaN if one class is alone, if a threshold separates the classes (the slope is infinite) or if all predictions
    are the same.
    """
    return _slope(labels, _logit(predictions))


def slopes(labels: Labels, predictions: Floats) -> Parts:
    """`calibration_slope` of any part of the rows, whose logits are computed once."""
    logit = _logit(predictions)
    return lambda rows: _slope(labels[rows], logit[rows])


def _slope(labels: Labels, logit: Floats) -> float:
    ones, zeros = logit[labels == 1], logit[labels == 0]
    if not len(ones) or not len(zeros) or np.ptp(logit) <= SAME_LOGIT:
        return np.nan
    if ones.min() >= zeros.max() or ones.max() <= zeros.min():
        return np.nan
    return _fitted_slope(labels, np.column_stack([np.ones_like(logit), logit]))


def calibration_intercept(labels: Labels, predictions: Floats) -> float:
    """The fitted intercept with the slope held at 1; NaN if one class is alone.

    It moves the predictions, on the scale of the logit, until their mean is the share of ones.
    """
    return _intercept(labels, _logit(predictions))


def intercepts(labels: Labels, predictions: Floats) -> Parts:
    """`calibration_intercept` of any part of the rows, whose logits are computed once."""
    logit = _logit(predictions)
    return lambda rows: _intercept(labels[rows], logit[rows])


def _intercept(labels: Labels, logit: Floats) -> float:
    from scipy.optimize import brentq

    share = labels.mean()
    if share in (0, 1):
        return np.nan
    lowest, highest, aim = logit.min(), logit.max(), np.log(share / (1 - share))
    # Moved to the low end every prediction lies below the share of ones, moved to the high end above it.
    low, high = aim - highest - 1, aim - lowest + 1
    if lowest == highest:
        # A constant prediction is moved once, not in each row.
        return float(brentq(lambda move: np.full(len(logit), _sigmoid(logit[:1] + move)).mean() - share, low, high))
    return float(brentq(lambda move: _sigmoid(logit + move).mean() - share, low, high))


def _logit(predictions: Floats) -> Floats:
    clipped = np.clip(predictions, CLIP, 1 - CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _sigmoid(odds: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0, -odds)))


def _fitted_slope(labels: Labels, design: Floats) -> float:
    """The maximum likelihood weight of the design's second column by Newton's method; NaN if it is not found."""
    weights = np.zeros(2)
    misfit = _misfit(labels, design @ weights)
    for _ in range(NEWTON_STEPS):
        step, misfit = _newton_step(labels, design, design @ weights, misfit)
        weights = weights + step
        if np.abs(step).max() <= CONVERGED * np.abs(weights).max():
            break
    slack = np.abs(design.T @ (labels - _sigmoid(design @ weights)))
    return float(weights[1]) if (slack <= SCORE_SLACK * np.abs(design).sum(axis=0)).all() else np.nan


def _newton_step(labels: Labels, design: Floats, odds: Floats, misfit: float) -> tuple[Floats, float]:
    """One step uphill, halved while it would lower the likelihood, and the misfit after it; `misfit` is that before."""
    mean = _sigmoid(odds)
    curvature = (design.T * (mean * (1 - mean))) @ design
    step = np.asarray(np.linalg.lstsq(curvature, design.T @ (labels - mean))[0], dtype=np.float64)
    worst = misfit * (1 + LIKELIHOOD_NOISE)
    while (misfit := _misfit(labels, odds + design @ step)) > worst:
        step = step / 2
    return step, misfit


def _misfit(labels: Labels, odds: Floats) -> float:
    """The negative log likelihood: the sum of log(1 + exp(against)); `logaddexp` takes twice the time."""
    against = (1 - 2 * labels) * odds
    return float((np.maximum(against, 0) + np.log1p(np.exp(-np.abs(against)))).sum())
