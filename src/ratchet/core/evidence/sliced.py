"""Rows with a gain and their columns cut into slices: the gain in each slice, and in every two of two columns.

Everything is by counting: the cost is linear in the rows for each pair of columns, of which there are no more than
those of the COLUMNS columns that look worst by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ratchet.core.clusters import Floats, Groups
from ratchet.core.evidence.rows import Bools
from ratchet.core.slicing import Codes, Gains, gains_by

COLUMNS = 25
"""Columns whose slices are laid over each other: 300 pairs."""
SURE = 0.05
"""A place whose loss is less sure than this in the rows that find is not worth a test."""
DENSE = 8
"""Cells of slice and cluster, for each row, up to which a table of all of them is counted; of more, those with rows."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A slice (from 1) of each of one or two cuts, and how surely its rows are worse."""

    cuts: tuple[int, ...]
    slices: tuple[int, ...]
    p_worse: float


@dataclass(frozen=True)
class Scan:
    """How many places are large enough, and those that look worse."""

    looked_at: int
    found: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class Sliced:
    """(n,) gains and their clusters; each cut's slices by row, from 1 to its width (0: in none).

    A place has at least `least` rows in `few` clusters.
    """

    gains: Floats
    groups: Groups
    slices: Sequence[Codes]
    widths: Sequence[int]
    least: int
    few: int

    def half(self, which: int) -> Sliced:
        """Every other cluster (`which` is 0 or 1) in the order of their names: both have neighbours in time."""
        rows, groups = self.groups.codes % 2 == which, self.groups
        return replace(
            self,
            gains=self.gains[rows],
            groups=Groups(groups.codes[rows] // 2, (groups.count + 1 - which) // 2, groups.independent),
            slices=[each[rows] for each in self.slices],
        )

    def inside(self, place: Place) -> Bools:
        """(n,) whether each row is in the place."""
        inside = np.ones(len(self.gains), dtype=np.bool_)
        for one, which in zip(place.cuts, place.slices, strict=True):
            inside &= self.slices[one] == which
        return inside

    def gain(self, rows: Bools) -> Gains:
        """The gain of the rows that an (n,) mask chooses, as that of a single slice."""
        chosen = np.flatnonzero(rows)
        return self._measured(np.zeros(len(chosen), dtype=np.intp), 1, chosen)

    def p_worse(self, by: Gains) -> Floats:
        """By slice, how sure it is that the true gain is below 0; 1 where it is too small to say."""
        from scipy.special import stdtr

        with np.errstate(invalid="ignore", divide="ignore"):
            found = stdtr(by.clusters - 1, by.mean / by.error)
        return np.where(self.enough(by) & np.isfinite(found), found, 1.0)

    def enough(self, by: Gains) -> Bools:
        """By slice, whether it has rows and clusters enough."""
        return np.logical_and(by.rows >= self.least, by.clusters >= self.few)

    def scan(self) -> Scan:
        """Look at all slices, and at every two of the columns that look worst by themselves."""
        alone = [self._places((each,)) for each in range(len(self.widths))]
        surest = np.argsort([min((p.p_worse for p in each.found), default=1.0) for each in alone], kind="stable")
        together = combinations(sorted(surest[:COLUMNS].tolist()), 2)
        scans = [*alone, *(self._places(pair) for pair in together)]
        return Scan(sum(each.looked_at for each in scans), tuple(place for each in scans for place in each.found))

    def _places(self, cuts: tuple[int, ...]) -> Scan:
        """The slices of one cut, or those of two laid over each other; slice 0 of a cut is none."""
        shape = tuple(self.widths[each] + 1 for each in cuts)
        codes = self.slices[cuts[0]]
        if len(cuts) > 1:
            codes = codes * shape[1] + self.slices[cuts[1]]
        by = self._measured(codes, int(np.prod(shape)))
        whole = np.ones(shape, dtype=np.bool_)
        for axis in range(len(shape)):
            whole[(slice(None),) * axis + (0,)] = False
        p_worse = np.where(whole.ravel(), self.p_worse(by), 1.0)
        places = tuple(self._found(cuts, shape, p_worse))
        return Scan(int((whole.ravel() & self.enough(by)).sum()), places)

    def _found(self, cuts: tuple[int, ...], shape: tuple[int, ...], p_worse: Floats) -> Iterator[Place]:
        for one in np.flatnonzero(p_worse < SURE).tolist():
            which = tuple(int(each) for each in np.unravel_index(one, shape))
            yield Place(cuts=cuts, slices=which, p_worse=float(p_worse[one]))

    def _measured(self, codes: Codes, count: int, rows: Codes | slice = slice(None)) -> Gains:
        """The gains in each of `count` slices, from the codes of the chosen rows."""
        gains, clusters, total = self.gains[rows], self.groups.codes[rows], self.groups.count
        if self.groups.independent:
            return _by_rows(codes, count, gains)
        if count * total > DENSE * len(self.gains):
            return gains_by(codes, count, gains, Groups(clusters, total))
        return _by_cells(codes * total + clusters, (count, total), gains)


def _by_cells(cells: Codes, shape: tuple[int, int], gains: Floats) -> Gains:
    """As `ratchet.core.slicing.gains_by`, by a table of all slices and clusters."""
    size = shape[0] * shape[1]
    inside = np.bincount(cells, minlength=size).reshape(shape)
    sums = np.bincount(cells, weights=gains, minlength=size).reshape(shape)
    rows, clusters = inside.sum(axis=1), (inside > 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums.sum(axis=1) / rows
        squares = ((sums - mean[:, None] * inside) ** 2).sum(axis=1)
        error = np.sqrt(squares * clusters / (clusters - 1)) / rows
    return Gains(rows=rows, mean=mean, error=np.where(clusters > 1, error, np.nan), clusters=clusters)


def _by_rows(codes: Codes, count: int, gains: Floats) -> Gains:
    """The same where each row is its own cluster."""
    rows = np.bincount(codes, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(codes, weights=gains, minlength=count) / rows
        squares = np.bincount(codes, weights=(gains - mean[codes]) ** 2, minlength=count)
        error = np.sqrt(squares * rows / (rows - 1)) / rows
    return Gains(rows=rows, mean=mean, error=np.where(rows > 1, error, np.nan), clusters=rows)
