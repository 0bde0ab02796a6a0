"""Where a change hurts: parts of the held-out rows, by the values of each feature, on which the loss went up.

Every category is a slice, every number gives its quartiles (or its values, where it has few), and so do rows whose
value is missing. Many are looked at, so that some look bad by luck: the intervals hold for all of them at once, by
Bonferroni's inequality, which needs no assumption about how slices overlap. Each is the cluster-t interval of
`ratchet.core.clusters` with the clusters that have rows in the slice. The luck of seeds is not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ratchet.core.change.model import real
from ratchet.core.change.records import Slice
from ratchet.core.clusters import Floats, Groups, check_level, group
from ratchet.core.slicing import Cut, cut, gains_by, gains_of


@dataclass(frozen=True, kw_only=True)
class Losses:
    """(n,) losses of both models on the same rows, and each row's cluster; None: rows are independent."""

    base: Floats
    change: Floats
    clusters: ArrayLike | None


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
    cuts = (cut(str(name), features[name]) for name in features.columns)
    found = list(_distinct(each for one in cuts for each in _measure(one, losses, groups, least_rows)))
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


def _measure(one: Cut, losses: Losses, groups: Groups, least_rows: int) -> Iterator[_Found]:
    """All slices of a cut at once."""
    codes, count = one.codes, len(one.texts)
    gains = gains_of(losses.base, losses.change)
    found = gains_by(codes, count, gains, groups)
    with np.errstate(invalid="ignore"):
        base, change = (_sums(codes, values, count) / found.rows for values in (losses.base, losses.change))
    differing, which = _sums(codes, gains != 0, count), _sums(codes, _marks(len(codes)), count)
    looked_at = (found.rows >= least_rows) & (found.rows < len(codes)) & (differing > 0)
    for each in np.flatnonzero(looked_at).tolist():
        yield _Found(
            name=one.name(each),
            rows=int(found.rows[each]),
            which=float(which[each]),
            base=float(base[each]),
            change=float(change[each]),
            gain=float(found.mean[each]),
            error=float(found.error[each]) if found.clusters[each] > 1 else None,
            degrees=int(found.clusters[each]) - 1,
        )


def _sums(codes: NDArray[np.intp], values: ArrayLike, count: int) -> Floats:
    weights = np.asarray(values, dtype=np.float64)
    return np.bincount(codes, weights=weights, minlength=count).astype(np.float64, copy=False)


def _marks(rows: int) -> NDArray[np.int64]:
    """A number for each row, always the same ones: the sums of two sets of rows are equal if the sets are.

    Drawn, so that other sets have other sums but for one chance in four billion; small enough to be added exactly.
    """
    return np.random.default_rng(0).integers(0, 2**32, rows)
