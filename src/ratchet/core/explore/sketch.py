"""A column of one batch in a few kilobytes, from which its distance to other batches can be told without its rows.

The distance is that of `core/change/column_shift.py`: Kolmogorov and Smirnov's for numbers and moments, total variation
for texts and booleans, in both cases a share of rows in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ratchet.core.change.column_shift import Tally, value_cells
from ratchet.core.explore.values import counted, finite_numbers, is_ordered, present
from ratchet.core.findings import Finite

CUTS = 256
"""Cut points of a column. Distances are exact up to so many different values, and otherwise off by at most 1/256."""
UNION = 4_096
"""Cut points at which batches are compared: of more in all batches together, so many."""
MOST = 5_000
"""Different texts that are kept with their counts; a column with more of them is compared with nothing."""


class Sketch(Finite):
    """What is kept of one column of one batch."""

    ordered: bool = Field(description="numbers or moments (microseconds since 1970), not texts or booleans")
    rows: int
    missing: int
    distinct: int = Field(description="different values")
    cuts: tuple[float, ...] = Field(default=(), description="ordered: values that occur, ascending")
    below: tuple[int, ...] = Field(default=(), description="rows below each cut")
    upto: tuple[int, ...] = Field(default=(), description="rows at or below each cut")
    values: dict[str, int] = Field(default_factory=dict, description="not ordered: rows with each value")

    @property
    def comparable(self) -> bool:
        """Whether a distance says anything: not of names of single rows, nor where values were too many to keep."""
        return self.ordered or self.distinct == 0 or bool(self.values)

    @property
    def names_rows(self) -> bool:
        """Whether no two rows have the same text, as in an identifier."""
        return not self.ordered and self.distinct == self.rows - self.missing > 1

    @property
    def missing_share(self) -> float:
        """Rows without a value, as a share; 0 of no rows."""
        return self.missing / self.rows if self.rows else 0.0


def sketch(values: pl.Series) -> Sketch:
    """Sketch one column."""
    there = present(values)
    missing = len(values) - len(there)
    distinct = there.n_unique()
    if is_ordered(values):
        numbers = finite_numbers(there)
        cuts = _cuts(numbers)
        return Sketch(
            ordered=True, rows=len(values), missing=missing, distinct=distinct,
            cuts=tuple(cuts.tolist()),
            below=tuple(np.searchsorted(numbers, cuts, "left").tolist()),
            upto=tuple(np.searchsorted(numbers, cuts, "right").tolist()),
        )  # fmt: skip
    names_rows = distinct == len(there) > 1
    kept = {} if distinct > MOST or names_rows else counted(there)
    return Sketch(ordered=False, rows=len(values), missing=missing, distinct=distinct, values=kept)


def distances(sketches: Sequence[Sketch | None]) -> list[float | None]:
    """The distance of each batch of a column to all batches before it together; None for the first, and if unknown."""
    known = [position for position, one in enumerate(sketches) if one is not None and one.comparable and one.rows]
    parts = [one for one in (sketches[position] for position in known) if one is not None]
    found: list[float | None] = [None] * len(sketches)
    if len({one.ordered for one in parts}) != 1:
        return found
    counts = tally(parts)
    every = (counts.cells, counts.missing, counts.rows)
    past = [each.cumsum(axis=0) for each in every]
    for place, position in enumerate(known[1:], start=1):
        cells, missing, rows = (
            np.stack([before[place - 1], each[place]]) for before, each in zip(past, every, strict=True)
        )
        found[position] = Tally(counts.ordered, cells, missing, rows).distance([1], [0])
    return found


def tally(sketches: Sequence[Sketch]) -> Tally:
    """The sketches of one column side by side, a row for each."""
    cells = _ordered_cells(sketches) if sketches[0].ordered else value_cells([one.values for one in sketches])
    return Tally(
        sketches[0].ordered,
        cells,
        np.array([one.missing for one in sketches], dtype=np.int64),
        np.array([one.rows for one in sketches], dtype=np.int64),
    )


def _cuts(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    distinct = np.unique(numbers)
    if len(distinct) <= CUTS:
        return distinct
    return np.unique(numbers[np.linspace(0, len(numbers) - 1, CUTS).astype(np.int64)])


def _ordered_cells(sketches: Sequence[Sketch]) -> NDArray[np.int64]:
    """Rows below, and at or below, each cut of any of the sketches."""
    cuts = np.unique(np.concatenate([np.array(one.cuts) for one in sketches]))
    kept = cuts if len(cuts) <= UNION else cuts[np.linspace(0, len(cuts) - 1, UNION).astype(np.int64)]
    return np.array([np.concatenate(_at(one, kept)) for one in sketches], dtype=np.int64)


def _at(one: Sketch, cuts: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows below and at or below `cuts`; between two own cuts, the middle of what is possible."""
    own = np.array(one.cuts)
    below, upto = np.array([*one.below, _last(one)]), np.array([0, *one.upto])
    place = np.searchsorted(own, cuts, "left")
    between = (upto[place] + below[place]) // 2
    padded = np.append(own, np.inf)
    hit = padded[place] == cuts
    return np.where(hit, below[place], between), np.where(hit, np.append(upto[1:], 0)[place], between)


def _last(one: Sketch) -> int:
    return one.upto[-1] if one.upto else 0
