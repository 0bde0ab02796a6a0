"""What happened to one table of a batch between two versions of it: rows matched by key, cells, labels, new values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.core.change.cells import differ, sides, type_name
from ratchet.core.change.column_shift import counted, in_words, names_rows
from ratchet.core.change.matching import Matched, match_rows, unmatched
from ratchet.core.change.moved import arrow, moved
from ratchet.core.change.records import BatchChange, ColumnChange, SchemaChange
from ratchet.core.conform import is_text
from ratchet.core.schema import LOOKUPS, ROWS

if TYPE_CHECKING:
    import pandas as pd

CATEGORIES = 20
"""New values of a column that are named, the commonest; all of them are counted."""


@dataclass(frozen=True)
class NewValues:
    """Values of one column that are new: the commonest of them, sorted, and how many there are in all."""

    named: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class TableDiff:
    """Two versions of a table, which rows of them are the same, and which cells are not.

    `kept` pairs the rows that both have, `edited` those of them in which a column that both sides have differs.
    `cells` counts the edited cells of each such column, in the order of `after`.
    """

    before: pl.DataFrame
    after: pl.DataFrame
    key: tuple[str, ...]
    kept: Matched
    edited: Matched
    cells: Mapping[str, int]

    def removed(self) -> pl.Series:
        """The positions of the rows that only `before` has."""
        return unmatched(self.kept.before, len(self.before))

    def added(self) -> pl.Series:
        """The positions of the rows that only `after` has."""
        return unmatched(self.kept.after, len(self.after))


def diff_tables(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> TableDiff:
    """Match the rows by `key` and compare the cells of the columns that both sides have; missing equals missing.

    The order of rows does not count. Raises polars' ColumnNotFoundError if a side lacks a column of the key.
    """
    kept = match_rows(before, after, key)
    cells: dict[str, int] = {}
    edited = pl.repeat(False, len(kept), eager=True)
    for column in (name for name in after.columns if name in before.columns):
        differs = differing(before, after, kept, column) if column not in key else pl.Series([], dtype=pl.Boolean)
        cells[column] = int(differs.sum())
        if cells[column]:
            edited = edited | differs
    return TableDiff(before, after, tuple(key), kept, kept.where(edited), cells)


def differing(before: pl.DataFrame, after: pl.DataFrame, rows: Matched, column: str) -> pl.Series:
    """For each pair of rows, whether the column's cells differ."""
    both = sides(before[column], after[column])
    return differ([part.gather(rows.before) for part in both.before], [part.gather(rows.after) for part in both.after])


def table_change(batch: str, table: str, diff: TableDiff, *, label_flips: int | None = None) -> BatchChange:
    """The record of a table that both sides have; new categories are not looked for here.

    `label_flips` counts what `flipped` says of the labels; None where the table has none.
    """
    return BatchChange(
        batch=batch,
        table=table,
        kind="changed",
        rows_before=len(diff.before),
        rows_after=len(diff.after),
        rows_added=len(diff.after) - len(diff.kept),
        rows_removed=len(diff.before) - len(diff.kept),
        rows_edited=len(diff.edited),
        label_flips=label_flips,
        new_categories={},
        schema_changes=schema_changes(diff.before, diff.after),
        columns=column_changes(diff),
    )


def whole_table(batch: str, table: str, kind: Literal["added", "removed"], rows: int, *, labelled: bool) -> BatchChange:
    """The record of a table of `rows` rows that only one side has."""
    added = kind == "added"
    return BatchChange(
        batch=batch,
        table=table,
        kind=kind,
        rows_before=0 if added else rows,
        rows_after=rows if added else 0,
        rows_added=rows if added else 0,
        rows_removed=0 if added else rows,
        rows_edited=0,
        label_flips=0 if labelled else None,
        new_categories={},
    )


def is_same(change: BatchChange) -> bool:
    """Whether two versions of a table hold the same rows and columns, if in another order or in other bytes."""
    differing = (change.rows_added, change.rows_removed, change.rows_edited, change.label_flips or 0)
    return change.kind == "changed" and not any(differing) and not change.schema_changes


def place(unit: str, table: str) -> tuple[bool, str, bool, str]:
    """What tables are sorted by: batches in time order, in each the rows first; the standing lookups last."""
    return unit == LOOKUPS, unit, table != ROWS, table


def schema_changes(before: pl.DataFrame, after: pl.DataFrame) -> tuple[SchemaChange, ...]:
    """The columns that only one side has, or whose type is another: first those of `after`, in its order.

    A column without a single value has no type that could have changed.
    """
    found = []
    for column in (*after.columns, *(name for name in before.columns if name not in after.columns)):
        old, new = (type_name(each[column]) if column in each.columns else None for each in (before, after))
        if old != new and (None in (old, new) or (old and new)):
            found.append(SchemaChange(column=column, before=old, after=new))
    return tuple(found)


def column_changes(diff: TableDiff) -> tuple[ColumnChange, ...]:
    """The columns with edited cells, or whose distribution moved; the most edited first."""
    found = []
    for column, cells in diff.cells.items():
        distance = moved(diff.before[column], diff.after[column], at_most=_reach(diff, cells))
        if cells or distance is not None:
            words = ["" if distance is None else in_words(arrow(each[column])) for each in (diff.before, diff.after)]
            found.append(ColumnChange(column=column, cells=cells, distance=distance, before=words[0], after=words[1]))
    return tuple(sorted(found, key=lambda each: (-each.cells, each.column)))


def _reach(diff: TableDiff, cells: int) -> float:
    """How far a column with so many edited cells can have moved at most: by the share of rows with another cell.

    Total variation is one minus what both sides have in common, and the kept rows with an equal cell are in common.
    """
    most = max(len(diff.before), len(diff.after))
    return 1 - (len(diff.kept) - cells) / most if most else 0.0


def category_changes(diff: TableDiff) -> tuple[dict[str, NewValues], dict[str, NewValues]]:
    """By text column: the values that only `after` has, and those that only `before` has.

    A column in which every row has a value of its own names rows, and has no categories.
    """
    new = _alone(diff.after, diff.before, pl.concat([diff.edited.after, diff.added()]), diff.cells)
    gone = _alone(diff.before, diff.after, pl.concat([diff.edited.before, diff.removed()]), diff.cells)
    return new, gone


def _alone(one: pl.DataFrame, other: pl.DataFrame, rows: pl.Series, columns: Iterable[str]) -> dict[str, NewValues]:
    """The values of `one` that `other` lacks: only `rows`, those that differ, can have any."""
    found = {}
    for column in (name for name in columns if one[name].dtype == other[name].dtype == pl.String):
        candidates = one[column].gather(rows).drop_nulls().value_counts(name="count").rename({column: "value"})
        fresh = candidates.filter(~pl.col("value").is_in(other[column].unique().implode())) if len(candidates) else None
        if fresh is None or fresh.is_empty() or one[column].n_unique() == len(one) > 1:
            continue
        named = fresh.sort(["count", "value"], descending=[True, False])["value"].head(CATEGORIES)
        found[column] = NewValues(tuple(named.sort().to_list()), len(fresh))
    return found


def flipped(before: pd.Series, after: pd.Series) -> NDArray[np.bool_]:
    """For each row whether its label is flipped: both versions have one and they differ; one that came late is none.

    Both are in the order of the pairs of rows they belong to.
    """
    if before.dtype != after.dtype:
        before, after = before.astype(object), after.astype(object)
    both = before.notna().to_numpy() & after.notna().to_numpy()
    unequal = before.reset_index(drop=True) != after.reset_index(drop=True)
    return np.asarray(unequal.fillna(False), dtype=bool) & both


def new_values(after: Mapping[str, pa.Table], known: Iterable[pa.Table]) -> dict[str, dict[str, NewValues]]:
    """Values of text columns that no table of `known` has, by batch of `after` and column.

    At most `CATEGORIES` of each are named. A column in which every row has a value of its own names rows, and has no
    categories. `known` is read only as far as anything new is left, so that a generator need not read all of history.
    """
    left = {
        (batch, column): counted(table.column(column).drop_null())
        for batch, table in after.items()
        for column in text_columns(table)
        if not names_rows(table.column(column))
    }
    for table in known if any(left.values()) else ():
        seen = {column: pc.unique(table.column(column)).to_pylist() for column in text_columns(table)}
        for (_, column), values in left.items():
            for value in seen.get(column, ()):
                values.pop(value, None)
        if not any(left.values()):
            break
    found: dict[str, dict[str, NewValues]] = {}
    for (batch, column), values in left.items():
        if values:
            found.setdefault(batch, {})[column] = NewValues(tuple(sorted(_commonest(values))), len(values))
    return found


def category_fields(found: Mapping[str, NewValues], which: Literal["new", "gone"] = "new") -> dict[str, dict[str, Any]]:
    """The fields of a record that say which values are new or gone, and how many where not all are named."""
    return {
        f"{which}_categories": {column: each.named for column, each in found.items()},
        f"{which}_category_counts": {
            column: each.total for column, each in found.items() if each.total > len(each.named)
        },
    }


def text_columns(table: pa.Table) -> list[str]:
    """The columns that hold text."""
    return [each.name for each in table.schema if is_text(each.type)]


def _commonest(values: Mapping[str, int]) -> list[str]:
    return sorted(values, key=lambda value: (-values[value], value))[:CATEGORIES]
