"""Evidence that may be looked at after every cluster: the e-process of a stream of mean gains, for shadow and live use.

A t test that is looked at daily promotes noise in time. An e-process does not: if the true mean gain is not above zero,
it ever reaches 1/alpha with probability at most alpha (Ville's inequality), whenever and however often it is looked at.

This one averages the likelihood ratios of positive effects, in units of the unknown standard deviation, over a half
normal distribution (the normal mixture of Robbins, Annals of Mathematical Statistics 41, 1970; one-sided: Howard,
Ramdas, McAuliffe and Sekhon, Annals of Statistics 49, 2021). With the scale integrated out by its invariant prior (Lai,
Annals of Statistics 4, 1976; Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with
unknown variance", Sequential Analysis, 2025) it is, for sums S of x and Q of x^2 over t clusters and a precision rho,

    2 sqrt(rho / (t + rho)) (Q / A)^(t/2) F_t(S sqrt(t / ((t + rho) A))),    A = Q - S^2 / (t + rho)

with F_t Student's distribution. It is exact from the first cluster on for normal means of any variance: a mean is
judged by its own spread, so none is too early. For other means it is valid in the limit, in which it becomes the
asymptotic mixture of Waudby-Smith et al., Annals of Statistics 52, 2024. Means of many rows are nearly normal; a stream
with a long tail of losses, or with days that follow each other, errs more often than it says: use larger clusters.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ratchet.core.clusters import check_level, usable
from ratchet.errors import UsageError

Floats = NDArray[np.float64]

HALVINGS = 80
"""Of the interval that holds a bound: enough for every bit of a float."""
MOST = 1e300
"""Evidence beyond it is written as this: a number that can be stored."""
THIN = 1e-200
"""A tail below it is taken from its series, before it vanishes."""


def e_values(means: Floats, *, planned: int, alpha: float = 0.05) -> Floats:
    """(n,) evidence against "the mean gain is at most 0" after each of the (n,) clusters' mean gains, oldest first.

    Promote when it reaches 1/alpha. To show "not worse by more than a margin", add the margin to the means. `planned`
    is the number of clusters after which it sees best at level `alpha`; it holds for every number and every level.
    Raises UsageError on means that are not finite numbers in one row, and on a bad plan or level.
    """
    values, rho = _in_units(means), precision(planned, alpha)
    looks = np.arange(1.0, len(values) + 1)
    sums, squares = np.cumsum(values), np.cumsum(values * values)
    projected = sums / np.sqrt(np.where(squares > 0, squares, 1.0))
    return np.exp(np.minimum(_log_e(projected, looks, rho), math.log(MOST)))


def p_values(means: Floats, *, planned: int, alpha: float = 0.05) -> Floats:
    """(n,) p values that hold at every look: one over the largest evidence so far, at most 1. Raises as `e_values`."""
    largest = np.maximum.accumulate(e_values(means, planned=planned, alpha=alpha))
    return 1.0 / np.maximum(largest, 1.0)


def bounds(means: Floats, *, planned: int, alpha: float = 0.05) -> tuple[Floats, Floats]:
    """(n,) lower and (n,) upper bounds of the mean gain, each of which holds at all looks together at level `alpha`.

    The lower bound is the largest mean that the e-process rejects, the upper one that of the stream turned around;
    both are infinite as long as there is none. Raises as `e_values`.
    """
    values = _checked(means)
    looks = np.arange(1.0, len(values) + 1)
    averages, errors = np.cumsum(values) / looks, _standard_errors(values)
    reach = _reach(looks, precision(planned, alpha), alpha)
    errors[np.isinf(reach)] = 1.0  # without spread there is no bound either
    return averages - reach * errors, averages + reach * errors


def precision(planned: int, alpha: float) -> float:
    """That of the mixture whose boundary is lowest after `planned` clusters at one-sided level `alpha`.

    Howard et al. 2021, proposition 3, by Lambert's W; one-sided at alpha is two-sided at 2 alpha but for a hair.
    Raises UsageError on a plan of no clusters, or a bad level.
    """
    from scipy.special import lambertw

    check_level(alpha)
    if planned < 1:
        raise UsageError(f"{planned} looks are planned, and at least 1 is needed", next_step="plan how long to look")
    two_sided = min(2 * alpha, 0.99)
    return planned / (-float(lambertw(-(two_sided**2) / math.e, -1).real) - 1)


def _checked(means: Floats) -> Floats:
    values = np.asarray(means, dtype=np.float64)
    if values.ndim != 1 or not usable(values).all():
        raise UsageError(
            f"mean gains of shape {values.shape} are not one finite number per cluster",
            next_step="average each cluster's gains, oldest first, and leave out clusters without labels",
        )
    return values


def _in_units(means: Floats) -> Floats:
    """The means in units of about the largest one, a power of two: their squares are finite, and nothing is rounded."""
    values = _checked(means)
    scaled: Floats = np.ldexp(values, -int(np.frexp(np.abs(values).max(initial=0.0))[1]))
    return scaled


def _log_e(projected: Floats, looks: Floats, rho: float) -> Floats:
    """The logarithm of the e-process, from S / sqrt(Q), which lies within +-sqrt(t)."""
    from scipy.special import stdtr

    rest = 1 - projected**2 / (looks + rho)
    tail = stdtr(looks, projected * np.sqrt(looks / ((looks + rho) * rest)))
    thin = tail < THIN
    weighted = np.log(np.where(thin, 1.0, tail)) - looks / 2 * np.log(rest)
    weighted[thin] = _log_thin(rest[thin], looks[thin])
    evidence: Floats = math.log(2) + 0.5 * np.log(rho / (looks + rho)) + weighted
    return evidence


def _log_thin(rest: Floats, looks: Floats) -> Floats:
    """log(rest^(-t/2) F_t) for a far left tail: F_t is half an incomplete beta function of `rest` (DLMF 8.17.8)."""
    from scipy.special import betaln, hyp2f1

    series = hyp2f1(1.0, (looks + 1) / 2, looks / 2 + 1, rest)
    logarithm: Floats = 0.5 * np.log1p(-rest) - np.log(looks) - betaln(looks / 2, 0.5) + np.log(series)
    return logarithm


def _standard_errors(values: Floats) -> Floats:
    """(n,) of the mean after each value; 0 after the first. Summed by steps that are never negative (Welford, 1962)."""
    looks = np.arange(1.0, len(values) + 1)
    averages = np.cumsum(values) / looks
    scale = max(float(np.abs(values).max(initial=0.0)), np.finfo(np.float64).tiny)
    steps = (values[1:] - averages[:-1]) / scale * ((values[1:] - averages[1:]) / scale)
    squares = np.cumsum(np.concatenate([np.zeros(min(1, len(values))), np.maximum(steps, 0.0)]))
    errors: Floats = scale * np.sqrt(squares / np.maximum(looks - 1, 1.0) / looks)
    return errors


def _reach(looks: Floats, rho: float, alpha: float) -> Floats:
    """(n,) standard errors from the mean to its bound; infinite while no data at all could be evidence enough.

    Evidence grows with S / sqrt(Q), so that the place where it crosses 1/alpha is halved in on.
    """
    low, high = np.zeros_like(looks), np.sqrt(looks)
    possible = _log_e(high, looks, rho) > -math.log(alpha)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _log_e(middle, looks, rho) > -math.log(alpha)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    room = looks - high**2
    found = possible & (room > 0)
    return np.where(found, high * np.sqrt((looks - 1) / np.where(found, room, 1.0)), np.inf)
