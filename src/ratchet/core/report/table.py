"""Tables and sections of a report: text in its place, without any markup.

Whatever comes from a pull request is in here as plain text; the templates' environment escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from ratchet.core.change.records import Real
from ratchet.core.report.text import shortened

Kind = Literal["text", "number", "interval", "code", "real", "bar"]
"""How a column is set: prose, numbers and intervals to the right, names, a word for a difference, a bar of squares."""

ROWS = 12
"""Rows of a table at most: a report is read in a minute. What is left out is counted."""
CELL = 200
"""Characters of a cell at most."""


@dataclass(frozen=True)
class Column:
    """A column's heading and how its cells are set."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Span:
    """An interval drawn to its own scale, 0 to 100 across, zero in the middle: its ends and its value."""

    low: float
    high: float
    value: float


@dataclass(frozen=True)
class Row:
    """The cells of a row; `real` colours it, `hint` explains it, `span` draws its interval."""

    cells: tuple[str, ...]
    real: Real | None = None
    hint: str = ""
    span: Span | None = None


@dataclass(frozen=True)
class Table:
    """Rows under headings; `more` says how many were left out."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    more: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A heading, sentences (what is named, what is said of it), tables, and pictures by their names.

    `folded` sections are closed until somebody opens them.
    """

    title: str
    lines: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[str, ...] = ()
    note: str = ""
    folded: bool = False


def table(
    title: str, columns: Sequence[Column], rows: Sequence[Row], *, most: int = ROWS, folded: bool = False
) -> Table:
    """A table of at most `most` rows, each cell at most CELL characters long."""
    kept = tuple(_fitted(row) for row in islice(rows, most))
    left = len(rows) - len(kept)
    return Table(title, tuple(columns), kept, more(left), folded)


def more(left: int) -> str:
    """'and 12 more', for what a table leaves out; empty if that is nothing."""
    return f"and {left:,} more" if left > 0 else ""


def filled(tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables that have rows."""
    return tuple(each for each in tables if each.rows)


def span(low: float | None, value: float | None, high: float | None) -> Span | None:
    """Where an interval lies about zero, to a scale that holds all of it; None without bounds, or if all is zero."""
    if low is None or high is None or value is None:
        return None
    reach = 1.06 * max(abs(low), abs(value), abs(high))
    if not reach or not math.isfinite(reach):
        return None
    low_at, high_at, value_at = (round(50 * (1 + each / reach), 1) for each in (low, high, value))
    return Span(low=low_at, high=high_at, value=value_at)


def _fitted(row: Row) -> Row:
    cells = tuple(shortened(cell, CELL) for cell in row.cells)
    return Row(cells, row.real, shortened(row.hint, CELL), row.span)
