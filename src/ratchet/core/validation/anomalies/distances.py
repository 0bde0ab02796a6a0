"""How far apart two distributions are, from their profiles: a share of rows, in [0, 1].

Numbers: the largest difference in the share of rows below any number (Kolmogorov and Smirnov), as far as the kept
quantiles tell; where they leave room, the smaller difference counts. Categories: the share of rows that would have to
take another value (total variation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from ratchet.core.validation.profile import PROBABILITIES, ColumnProfile, Numbers

Floats = NDArray[np.float64]

CACHED = 128
"""Distances kept: of more columns than most tables have."""
CHANCE = 1e-4
"""Probability that samples of one distribution lie farther apart than `noise`."""


def quantiles(numbers: Sequence[Numbers]) -> Floats:
    """The quantiles of several columns, one column a row."""
    return np.array([each.quantiles for each in numbers], dtype=np.float64).reshape(-1, len(PROBABILITIES))


def distances(one: Floats, other: Floats) -> Floats:
    """The distance of each row of quantiles of `one` from each of `other`: shape (len(one), len(other))."""
    return _distances(one.tobytes(), other.tobytes())


@lru_cache(maxsize=CACHED)
def _distances(one: bytes, other: bytes) -> Floats:
    """Several detectors ask for the same ones."""
    ours, theirs = (np.frombuffer(each, np.float64).reshape(-1, len(PROBABILITIES)) for each in (one, other))
    result: Floats = np.maximum(_beyond(ours, theirs), _beyond(theirs, ours).T)
    return result


def _beyond(one: Floats, other: Floats) -> Floats:
    """By how much the share below each quantile of `one` lies outside of what `other`'s quantiles allow for it."""
    shares = np.array(PROBABILITIES)
    values, ladder = one[:, None, :, None], other[None, :, None, :]
    left, right = (ladder < values).sum(axis=-1), (ladder <= values).sum(axis=-1)
    padded = np.concatenate([[0.0], shares, [1.0]])
    low, high = padded[left], padded[np.minimum(right + 1, len(padded) - 1)]
    step = _between(one, other, left)
    inside = left == right
    exact = low + step * (padded[left + 1] - low)
    low, high = np.where(inside, exact, low), np.where(inside, exact, high)
    result: Floats = np.maximum(np.maximum(low - shares, shares - high), 0).max(axis=-1)
    return result


def _between(one: Floats, other: Floats, left: NDArray[np.int64]) -> Floats:
    """How far each value of `one` lies from the rung of `other` below it towards the one above it, in [0, 1]."""
    rungs = np.broadcast_to(other[None, :, None, :], (*left.shape, other.shape[1]))
    last = other.shape[1] - 1
    below = np.take_along_axis(rungs, np.clip(left - 1, 0, last)[..., None], -1)[..., 0]
    above = np.take_along_axis(rungs, np.clip(left, 0, last)[..., None], -1)[..., 0]
    width = above - below
    part = (np.broadcast_to(one[:, None, :], left.shape) - below) / np.where(width > 0, width, 1)
    result: Floats = np.clip(np.where(width > 0, part, 1.0), 0, 1)
    return result


def usual(before: Floats) -> float:
    """The farthest that any of several batches lies from the one of the others that is nearest to it; 0 for one."""
    return spread(distances(before, before)) if len(before) > 1 else 0.0


def spread(apart: Floats) -> float:
    """The farthest that any of several lies from its nearest other one; `apart` has the distance of each two."""
    others = apart.copy()
    np.fill_diagonal(others, 2.0)
    return float(others.min(axis=1).max())


def noise(rows: int, others: Sequence[int], chance: float = CHANCE) -> float:
    """What two samples of one distribution differ by with at most the probability `chance`, if rows are independent.

    Dvoretzky, Kiefer and Wolfowitz's bound with Massart's constant, for the smallest of `others`.
    """
    return sqrt(log(2 / chance) / 2 * (1 / max(rows, 1) + 1 / max(min(others), 1)))


def shares(column: ColumnProfile) -> dict[str, float]:
    """The share of each kept value among the values that are there."""
    total = max(sum(each.count for each in column.top), 1)
    return {each.value: each.count / total for each in column.top}


def variations(before: Sequence[Mapping[str, float]]) -> Floats:
    """The total variation of each two of several distributions over categories: shape (len(before), len(before))."""
    names = {name: place for place, name in enumerate(dict.fromkeys(name for each in before for name in each))}
    table = np.zeros((len(before), len(names)))
    for row, each in enumerate(before):
        table[row, [names[name] for name in each]] = list(each.values())
    result: Floats = np.abs(table[:, None, :] - table[None, :, :]).sum(axis=-1) / 2
    return result


def variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The total variation of two distributions over categories.

    >>> variation({"a": 0.5, "b": 0.5}, {"a": 1.0})
    0.5
    """
    return sum(abs(one.get(each, 0.0) - other.get(each, 0.0)) for each in {*one, *other}) / 2
