"""Where a challenger is worse, found without being told where to look: regions of one or two columns.

Of many regions some look bad by luck, and the worst ones most of all. So one half of the clusters finds: every slice of
every column, and every two slices of two columns, ranked by how surely they are worse. The other half, which had no say
in the choice, tests the few that were found, by Holm's test over them: the risk of naming any region in which the
challenger is not worse is at most alpha (sample splitting; Cox, Biometrika 62, 1975). That the same rows do not choose
and judge also keeps the named losses honest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ratchet.core.clusters import Floats
from ratchet.core.evidence.rows import Bools, JudgedRows, Pair
from ratchet.core.evidence.slices import Gained
from ratchet.core.findings import SliceGain
from ratchet.core.holm import holm
from ratchet.core.slicing import Cut, Gains, cut

FOUND = 10
"""Regions that are tested; each one more makes the others harder to show."""
LOOKED_AT = 100
"""Regions, the surest ones, that are looked at again without the rows of those that were chosen before."""
SURE = 0.05
"""A region whose loss is less sure than this in the half that finds is not worth a test."""
AND = " and "


def worst_regions(rows: JudgedRows, metric: str, pair: Pair, *, alpha: float, min_rows: int) -> tuple[SliceGain, ...]:
    """Regions of `rows.table` in which the challenger is shown to be worse, the worst first; columns joined by ' and '.

    Gains and p values come from the testing half alone; `min_rows` counts in each half. None if a model of the pair has
    no scores, or a loss is not finite. Raises UsageError if `metric` has no loss per row, or on a bad level.
    """
    if not rows.has(pair):
        return ()
    gained = Gained.of(rows, metric, pair, alpha=alpha)
    if not np.isfinite(gained.gains).all():
        return ()
    finding = gained.groups.codes % 2 == 0  # neighbours in time are dealt to both halves
    cuts = [_large(cut(str(name), rows.table[name]), 2 * min_rows) for name in rows.table.columns]
    half = _Half(gained.only(finding), cuts, finding, min_rows)
    other = _Half(gained.only(~finding), cuts, ~finding, min_rows)
    tested = [gain for region in _chosen(half) for gain in other.gain(region)]
    worse = holm([1.0 if each.p_worse is None else each.p_worse for each in tested], alpha)
    shown = [each for each, is_worse in zip(tested, worse, strict=True) if is_worse]
    return tuple(sorted(shown, key=lambda each: (each.gain.value or 0.0, each.column, each.value)))


@dataclass(frozen=True, kw_only=True)
class _Region:
    """Slice `which` of one cut, or of two laid over each other; how surely it is worse in the half that finds."""

    cuts: tuple[int, ...]
    which: int
    p_worse: float


@dataclass(frozen=True)
class _Half:
    """The gains in one half of the rows, all cuts, which rows the half has, and how many a region must have."""

    gained: Gained
    cuts: Sequence[Cut]
    rows: Bools
    min_rows: int

    def laid(self, chosen: tuple[int, ...]) -> Cut:
        """One cut, or what two of them share."""
        one, *others = (self.cuts[each] for each in chosen)
        if not others:
            return Cut(one.column, one.texts, one.codes[self.rows])
        (other,) = others
        a, b = one.codes[self.rows], other.codes[self.rows]
        texts = [f"{left}{AND}{right}" for left in one.texts for right in other.texts]
        codes = np.where((a < 0) | (b < 0), -1, a * len(other.texts) + b)
        return Cut(one.column + AND + other.column, texts, codes)

    def inside(self, region: _Region) -> Bools:
        """The region's rows."""
        codes = self.laid(region.cuts).codes
        return np.equal(codes, region.which)

    def gain(self, region: _Region) -> Iterator[SliceGain]:
        """What is gained in the region; nothing if it is too small."""
        laid = self.laid(region.cuts)
        alone = Cut(laid.column, [laid.value(region.which)], np.where(laid.codes == region.which, 0, -1))
        by = self.gained.by(alone)
        yield from self.gained.slices(alone, by, (by.rows >= self.min_rows) & (by.clusters > 1))

    def p_worse(self, by: Gains) -> Floats:
        """By slice; 1 where it is too small."""
        from scipy.special import stdtr

        with np.errstate(invalid="ignore", divide="ignore"):
            found = stdtr(by.clusters - 1, by.mean / by.error)
        return np.where((by.rows >= self.min_rows) & np.isfinite(found), found, 1.0)


def _large(one: Cut, least: int) -> Cut:
    """Only the slices of at least so many rows: the parts of the others are smaller still."""
    counts = np.bincount(one.codes, minlength=len(one.texts))
    kept = np.flatnonzero(counts >= least)
    number = np.full(len(counts), -1)
    number[kept] = np.arange(len(kept))
    return Cut(one.column, [one.value(which) for which in kept.tolist()], number[one.codes])


def _found(half: _Half) -> Iterator[_Region]:
    """All regions that look worse."""
    filled = [number for number, one in enumerate(half.cuts) if one.texts]
    for chosen in (*((each,) for each in filled), *combinations(filled, 2)):
        p_worse = half.p_worse(half.gained.by(half.laid(chosen)))
        for which in np.flatnonzero(p_worse < SURE).tolist():
            yield _Region(cuts=chosen, which=which, p_worse=float(p_worse[which]))


def _chosen(half: _Half) -> Iterator[_Region]:
    """The surest region, then the surest without the rows of those before: what is bad only by them is not named."""
    left = sorted(_found(half), key=lambda each: each.p_worse)[:LOOKED_AT]
    free = np.ones(len(half.gained.gains), dtype=np.bool_)
    for _ in range(FOUND):
        if not left:
            return
        best = min(left, key=lambda each: each.p_worse)
        yield best
        free &= ~half.inside(best)
        again = (replace(each, p_worse=_alone(half, each, free)) for each in left if each is not best)
        left = [each for each in again if each.p_worse < SURE]


def _alone(half: _Half, region: _Region, free: Bools) -> float:
    """How surely the region is worse in the rows that no other one has."""
    by = half.gained.by(Cut("", [""], np.where(half.inside(region) & free, 0, -1)))
    return float(half.p_worse(by)[0])
