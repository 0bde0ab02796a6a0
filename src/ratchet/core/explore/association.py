"""How much a column alone says about the target, measured in the same way for numbers and for categories.

Numbers are cut into at most ten groups of about as many rows, moments too; each text is a group, and missing values are
one. Then the measure depends on the target alone:

- classes: Cramér's V with Bergsma's correction (J. Korean Statistical Society 42, 2013);
- numbers: the correlation ratio, from Kelley's epsilon squared (PNAS 21, 1935).

Both are 0 where the column says nothing and 1 where it says all, catch what is not monotone, and are corrected for the
number of groups: a column with thousands of values does not look good by chance.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ratchet.core.explore.values import as_numbers, is_ordered
from ratchet.core.findings import Finite

GROUPS = 10
"""Groups of a column of numbers at most."""
CRAMER = "Cramér's V"
RATIO = "correlation ratio"

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


class Association(Finite):
    """What one column says about the target."""

    column: str
    strength: float | None = Field(description="in [0, 1]; None where it is not defined: one group, or one row in each")
    groups: int
    rows: int


def measure_of(target: Codes | Floats) -> str:
    """The measure's name."""
    return RATIO if target.dtype.kind == "f" else CRAMER


def association(values: pl.Series, target: Codes | Floats) -> Association:
    """What a column of (n,) values says about a target: (n,) codes of classes, or (n,) finite numbers."""
    groups = grouped(values)
    if target.dtype.kind == "f":
        measured = correlation_ratio(groups, target.astype(np.float64))
    else:
        measured = cramers_v(groups, target.astype(np.int64))
    return Association(column=values.name, strength=measured, groups=int(groups.max(initial=-1)) + 1, rows=len(groups))


def grouped(values: pl.Series) -> Codes:
    """The group of each row, from 0 and without gaps; missing values are one group."""
    if not is_ordered(values):
        ranks = values.cast(pl.String).rank("dense").fill_null(0).to_numpy()
        return _dense(ranks)
    numbers = as_numbers(values.fill_nan(None) if values.dtype.is_float() else values)
    there = np.isfinite(numbers)
    distinct = np.unique(numbers[there])
    if len(distinct) > GROUPS:
        edges = np.quantile(numbers[there], np.arange(1, GROUPS) / GROUPS, method="inverted_cdf")
        numbers = np.searchsorted(np.unique(edges), numbers, "left").astype(np.float64)
    return _dense(np.where(there, numbers, np.inf))


def cramers_v(groups: Codes, classes: Codes) -> float | None:
    """Of (n,) groups and (n,) classes, each numbered from 0; None where one of them does not vary enough.

    >>> rows = np.arange(100)
    >>> cramers_v(rows % 2, rows % 2)
    1.0
    >>> cramers_v(rows % 2, rows // 50)
    0.0
    """
    total = len(groups)
    if total < 2:
        return None
    wide = int(classes.max()) + 1
    counts = np.bincount(groups * wide + classes, minlength=(int(groups.max()) + 1) * wide).reshape(-1, wide)
    counts = counts[:, counts.any(axis=0)]
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    phi = float(((counts - expected) ** 2 / expected).sum()) / total
    spare = [(size - 1) - (size - 1) ** 2 / (total - 1) for size in counts.shape]
    if min(spare) <= 1e-9:
        return None
    excess = phi - (counts.shape[0] - 1) * (counts.shape[1] - 1) / (total - 1)
    return min(math.sqrt(max(excess, 0.0) / min(spare)), 1.0)


def correlation_ratio(groups: Codes, target: Floats) -> float | None:
    """Of (n,) groups numbered from 0 and (n,) finite numbers; None where one of them does not vary enough.

    >>> rows = np.arange(100)
    >>> correlation_ratio(rows % 2, (rows % 2).astype(float))
    1.0
    """
    sizes = np.bincount(groups)
    total, count = len(groups), len(sizes)
    if not 1 < count < total:
        return None
    scaled = target / (np.abs(target).max() or 1.0)
    centred = scaled - scaled.mean()
    if not np.ptp(scaled):
        return None
    means = np.bincount(groups, weights=centred) / sizes
    within = float(((centred - means[groups]) ** 2).sum()) / float((centred**2).sum())
    return math.sqrt(min(max(1 - within * (total - 1) / (total - count), 0.0), 1.0))


def _dense(groups: NDArray[np.generic]) -> Codes:
    codes: Codes = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return codes
