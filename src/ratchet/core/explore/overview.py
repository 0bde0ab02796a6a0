"""What is seen only over batches: missing values and drift by batch, and categories that come and go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ratchet.core.explore.facts import BatchFacts
from ratchet.core.explore.sketch import Sketch, distances
from ratchet.core.schema import ROWS

CATEGORIES = 200
"""A column with more different values in a batch holds names rather than categories: they come and go all the time."""
ALWAYS = 0.95
"""A column that is farther than this from its past in every batch follows the calendar, such as a month."""
LEAST = 0.03
"""A column that is nearer than this to its past in every batch stands still."""
SMIRNOV = 1.358
"""The 95% point of Kolmogorov's distribution."""

Cells = tuple[float | None, ...]


@dataclass(frozen=True)
class Line:
    """One column of a table: a number for each batch, None where there is none."""

    column: str
    cells: Cells

    @property
    def worst(self) -> float:
        """The largest number."""
        return max((cell for cell in self.cells if cell is not None), default=0.0)


@dataclass(frozen=True)
class Drift:
    """The distance of each batch to all batches before it: lines with the farthest first, and what is not in them."""

    lines: tuple[Line, ...]
    still: tuple[str, ...]
    calendar: tuple[str, ...]
    incomparable: tuple[str, ...]


@dataclass(frozen=True)
class Coming:
    """Values of one column that a batch is the first to have (`appears`), or the first of all later ones to lack."""

    batch: str
    column: str
    appears: bool
    values: tuple[str, ...]


def missing_lines(batches: Sequence[BatchFacts]) -> tuple[Line, ...]:
    """The share of missing values, of the columns that miss any; the worst first."""
    lines = (
        Line(column, tuple(None if one is None else one.missing_share for one in sketches))
        for column, sketches in _columns(batches).items()
    )
    return tuple(sorted((line for line in lines if line.worst), key=lambda line: -line.worst))


def drift(batches: Sequence[BatchFacts]) -> Drift:
    """How far each column of each batch is from the batches before it."""
    found = [(column, sketches, tuple(distances(sketches))) for column, sketches in _columns(batches).items()]
    known = [Line(column, cells) for column, _, cells in found if any(cell is not None for cell in cells)]
    calendar = [
        line.column
        for line in known
        if len(batches) > 2 and min(cell for cell in line.cells if cell is not None) > ALWAYS
    ]
    moved = sorted((each for each in known if each.column not in calendar), key=lambda each: -each.worst)
    return Drift(
        lines=tuple(each for each in moved if each.worst >= LEAST),
        still=tuple(each.column for each in moved if each.worst < LEAST),
        calendar=tuple(calendar),
        incomparable=tuple(
            column for column, sketches, _ in found if any(one is not None and not one.comparable for one in sketches)
        ),
    )


def chance(batches: Sequence[BatchFacts]) -> float | None:
    """What chance alone makes of the newest batch's distance in a column of numbers, in 95 of 100 cases at most.

    Smirnov's limit for two samples of independent rows (Annals of Mathematical Statistics 19, 1948); rows that fail
    together differ by more. None without two batches that have rows.
    """
    rows = [batch.tables[ROWS].rows for batch in batches]
    if len(rows) < 2 or not rows[-1] or not sum(rows[:-1]):
        return None
    return min(SMIRNOV * math.sqrt(1 / rows[-1] + 1 / sum(rows[:-1])), 1.0)


def comings(batches: Sequence[BatchFacts]) -> tuple[Coming, ...]:
    """Categories that appear, and that vanish for good; the newest batch first."""
    found = [
        coming
        for column, sketches in _columns(batches).items()
        if any(one and one.values for one in sketches) and all(_has_categories(one) for one in sketches)
        for coming in _of_column(column, [batch.batch for batch in batches], sketches)
    ]
    order = {batch.batch: place for place, batch in enumerate(batches)}
    return tuple(sorted(found, key=lambda each: (-order[each.batch], each.column, not each.appears)))


def named_too_often(batches: Sequence[BatchFacts]) -> tuple[str, ...]:
    """The columns of texts that `comings` leaves out."""
    return tuple(
        column
        for column, sketches in _columns(batches).items()
        if not all(_has_categories(one) for one in sketches)
        and any(one is not None and not one.ordered for one in sketches)
    )


def _of_column(column: str, batches: Sequence[str], sketches: Sequence[Sketch | None]) -> Iterator[Coming]:
    here = [set(one.values) if one is not None else set() for one in sketches]
    for place in range(1, len(here)):
        new = here[place].difference(*here[:place])
        gone = here[place - 1].difference(*here[place:])
        for values, appears in ((new, True), (gone, False)):
            if values:
                yield Coming(batches[place], column, appears, tuple(sorted(values)))


def _has_categories(one: Sketch | None) -> bool:
    return one is None or (not one.ordered and one.comparable and one.distinct <= CATEGORIES)


def _columns(batches: Sequence[BatchFacts]) -> dict[str, list[Sketch | None]]:
    """The sketch of each column in each batch; a lookup's column stands as `lookup.column`."""
    found: dict[str, list[Sketch | None]] = {}
    for place, batch in enumerate(batches):
        for table, facts in batch.tables.items():
            for column, one in facts.columns.items():
                name = column if table == ROWS else f"{table}.{column}"
                found.setdefault(name, [None] * len(batches))[place] = one.sketch
    return found
