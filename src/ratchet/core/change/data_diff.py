"""Two versions of data side by side, as records: what changed in each table, with a bounded number of examples.

The records are plain JSON and read back equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ratchet.core.change.records import BatchChange, ColumnShift
from ratchet.core.findings import Finite


class CellEdit(Finite):
    """One cell before and after; None where it is missing."""

    column: str
    before: str | None
    after: str | None


class RowEdit(Finite):
    """One edited row: its key, its edited cells, and its label where that is flipped."""

    key: Mapping[str, str | None]
    cells: tuple[CellEdit, ...]
    label: CellEdit | None = None


class Examples(Finite):
    """The first rows of each kind, as many as were asked for; flipped labels come before other edits."""

    edited: tuple[RowEdit, ...] = ()
    added: tuple[Mapping[str, str | None], ...] = Field(default=(), description="the keys of added rows")
    removed: tuple[Mapping[str, str | None], ...] = ()


class Bars(Finite):
    """A column's distribution in both versions: the share of rows in each bar, the bars in order."""

    column: str
    names: tuple[str, ...] = Field(description="of the bars: ranges of numbers and moments, or values; 'missing'")
    before: tuple[float, ...]
    after: tuple[float, ...]


class DiffedTable(Finite):
    """One table of one batch. `gone_categories` are values that only the version before has."""

    change: BatchChange
    gone_categories: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    gone_category_counts: Mapping[str, int] = Field(
        default_factory=dict, description="by column of gone_categories: how many there are; absent: all are named"
    )
    examples: Examples = Examples()
    pictures: tuple[Bars, ...] = Field(default=(), description="of columns that moved, the farthest first")


class DataDiff(Finite):
    """Everything that `ratchet data diff` says; tables that are the same are not in it."""

    before: str = Field(description="what the version before is called, such as HEAD")
    after: str
    kind: Literal["batches", "tables"] = Field(description="of all batches of two commits, or of two tables")
    tables: tuple[DiffedTable, ...]
    shifts: tuple[ColumnShift, ...] = Field(description="of batches that are new, against the latest before them")
    note: str = ""
