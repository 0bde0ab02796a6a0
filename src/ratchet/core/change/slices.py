"""Where a change hurts: parts of the held-out rows, by the values of each feature, on which the loss went up.

Every category is a slice, every number gives its quartiles (or its values, where it has few), and so do rows whose
value is missing. Many are looked at, so that some look bad by luck: the intervals hold for all of them at once, by
Bonferroni's inequality, which needs no assumption about how slices overlap. Each is the cluster-t interval of
`ratchet.core.clusters` with the clusters that have rows in the slice. The luck of seeds is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

from ratchet.core.change.model import real
from ratchet.core.change.records import Slice
from ratchet.core.clusters import Groups, check_level, group
from ratchet.core.comparison import ROUND_OFF

Floats = NDArray[np.float64]

FEW_VALUES = 8
"""A number with no more values than this is sliced by value: quartiles of engines or of weekdays say nothing."""
SIGNIFICANT = 4
"""Digits of a number in a slice's name, or more where edges could not be told apart."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """(n,) losses of both models on the same rows, and each row's cluster; None: rows are independent."""

    base: Floats
    change: Floats
    clusters: ArrayLike | None


@dataclass(frozen=True)
class _Cut:
    """One feature's slices: their names, and each row's slice by number; -1: in none."""

    names: Sequence[str]
    codes: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class _Found:
    name: str
    rows: int
    which: float
    base: float
    change: float
    gain: float
    error: float | None
    degrees: int


def worst_slices(
    features: pd.DataFrame, losses: Losses, *, alpha: float, least_rows: int, most: int
) -> tuple[Slice, ...]:
    """At most `most` slices of the (n, any) `features`, worst first: those shown to be worse, then by their gain.

    Slices of fewer than `least_rows` rows, of all rows, of the same rows as another slice, and those in which the
    models do not differ are not looked at. Intervals cover 1 - 2 `alpha` simultaneously. Raises UsageError on a bad
    level, or clusters of another length.
    """
    check_level(alpha)
    groups = group(losses.clusters, len(features))
    cuts = (_cut(str(name), features[name]) for name in features.columns)
    found = list(_distinct(each for cut in cuts for each in _measure(cut, losses, groups, least_rows)))
    slices = [_slice(each, alpha / len(found)) for each in found]
    return tuple(sorted(slices, key=_place)[:most])


def _place(each: Slice) -> tuple[bool, float, str]:
    """Shown to be worse first, then by gain, then by name: gains that differ by rounding alone are the same."""
    return each.real != "worse", float(f"{each.gain:.9g}"), each.name


def _slice(found: _Found, alpha: float) -> Slice:
    from scipy.special import stdtrit

    low, high = None, None
    if found.error is not None:
        reach = float(stdtrit(found.degrees, 1 - alpha)) * found.error
        low, high = found.gain - reach, found.gain + reach
    return Slice(
        name=found.name,
        rows=found.rows,
        base=found.base,
        change=found.change,
        gain=found.gain,
        low=low,
        high=high,
        real=real(low, high),
    )


def _distinct(found: Iterable[_Found]) -> Iterator[_Found]:
    """Without slices that hold the rows of an earlier one: two columns that are missing together are one slice."""
    seen: set[tuple[int, float]] = set()
    for each in found:
        if (each.rows, each.which) not in seen:
            seen.add((each.rows, each.which))
            yield each


def _measure(cut: _Cut, losses: Losses, groups: Groups, least_rows: int) -> Iterator[_Found]:
    """All slices of a cut at once: sums over pairs of slice and cluster, of which there are no more than rows."""
    inside = cut.codes >= 0
    codes, count = cut.codes[inside], len(cut.names)
    base, change, gains = losses.base[inside], losses.change[inside], _gains(losses)[inside]
    rows = np.bincount(codes, minlength=count)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(codes, weights=values, minlength=count) / rows for values in (base, change, gains)]
    errors, clusters = _errors(codes, groups.codes[inside], gains, means[2])
    differing = np.bincount(codes, weights=gains != 0, minlength=count)
    which = np.bincount(codes, weights=_marks(len(inside))[inside], minlength=count)
    looked_at = (rows >= least_rows) & (rows < len(inside)) & (differing > 0)
    for one in np.flatnonzero(looked_at).tolist():
        yield _Found(
            name=cut.names[one],
            rows=int(rows[one]),
            which=float(which[one]),
            base=float(means[0][one]),
            change=float(means[1][one]),
            gain=float(means[2][one]),
            error=float(errors[one]) if clusters[one] > 1 else None,
            degrees=int(clusters[one]) - 1,
        )


def _marks(rows: int) -> NDArray[np.int64]:
    """A number for each row, always the same ones: the sums of two sets of rows are equal if the sets are.

    Drawn, so that other sets have other sums but for one chance in four billion; small enough to be added exactly.
    """
    return np.random.default_rng(0).integers(0, 2**32, rows)


def _gains(losses: Losses) -> Floats:
    """The base's loss minus the change's; a difference that is rounding is none."""
    gains = losses.base - losses.change
    dust = ROUND_OFF * float(np.mean(np.abs(losses.base) / 2 + np.abs(losses.change) / 2))
    return np.where(np.abs(gains) <= dust, 0.0, gains)


def _errors(
    codes: NDArray[np.intp], clusters: NDArray[np.intp], gains: Floats, means: Floats
) -> tuple[Floats, NDArray[np.intp]]:
    """Each slice's standard error of its mean gain, and how many clusters have rows in it."""
    width = int(clusters.max(initial=0)) + 1
    pairs, values = pd.factorize(codes * width + clusters)
    slices = values // width
    deviations = np.bincount(pairs, weights=gains) - means[slices] * np.bincount(pairs)
    count = np.bincount(slices, minlength=len(means))
    rows = np.bincount(codes, minlength=len(means))
    squares = np.bincount(slices, weights=deviations**2, minlength=len(means))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(squares * count / (count - 1)) / rows, count


def _cut(name: str, values: pd.Series) -> _Cut:
    if is_numeric_dtype(values) and values.dtype.kind != "b":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        present = np.unique(numbers[np.isfinite(numbers)])
        if len(present) > FEW_VALUES:
            return _quartiles(name, numbers)
        codes, found = pd.factorize(numbers)
        return _named(name, codes, [number_text(value) for value in found])
    codes, categories = pd.factorize(values)
    return _named(name, codes, [_text(value) for value in categories])


def _named(name: str, codes: NDArray[np.intp], values: list[str]) -> _Cut:
    """One slice per value, and one for what is missing."""
    return _Cut(
        [*(f"{name} = {value}" for value in values), f"{name} missing"], np.where(codes < 0, len(values), codes)
    )


def _quartiles(name: str, numbers: Floats) -> _Cut:
    """Edges are values that occur, and belong to the slice below them; equal edges are one."""
    finite = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(finite, [0.25, 0.5, 0.75], method="inverted_cdf"))
    texts = _edge_texts(edges)
    between = [f"{name} above {low} and up to {high}" for low, high in pairwise(texts)]
    names = [f"{name} up to {texts[0]}", *between, f"{name} above {texts[-1]}", f"{name} missing"]
    codes = np.where(np.isnan(numbers), len(names) - 1, np.searchsorted(edges, numbers, side="left"))
    return _Cut(names, codes)


def _edge_texts(edges: Floats) -> list[str]:
    texts: list[str] = []
    for digits in range(SIGNIFICANT, 18):
        texts = [number_text(edge, digits) for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def number_text(value: float, digits: int = SIGNIFICANT) -> str:
    """A number for people: whole ones whole, others with `digits` significant digits, thousands apart.

    >>> number_text(1089.0), number_text(0.12345), number_text(1234.56)
    ('1,089', '0.1235', '1,235')
    """
    if not value or not math.isfinite(value):
        return f"{value:g}".removeprefix("-") if not value else f"{value}"
    size = math.floor(math.log10(abs(value)))
    if not -6 < size < 15:
        return f"{value:.{digits}g}"
    if value.is_integer():
        return f"{value:,.0f}"
    text = f"{value:,.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: object) -> str:
    """A category as it is; with quotes where it would not be seen otherwise."""
    text = str(value)
    return text if text.strip() == text and text else f'"{text}"'
