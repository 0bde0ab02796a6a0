"""What happened to one table of a batch between two versions of it: rows matched by key, labels, new values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.core.change.column_shift import names_rows
from ratchet.core.change.records import BatchChange

Positions = NDArray[np.intp]

CATEGORIES = 20
"""New values of a column that are named, the commonest; all of them are counted."""


@dataclass(frozen=True)
class Version:
    """One version of a batch's table: its rows, and their labels in the same order where the table has labels."""

    frame: pd.DataFrame
    labels: pd.Series | None = None


@dataclass(frozen=True)
class NewValues:
    """Values of one column that are new: the commonest of them, sorted, and how many there are in all."""

    named: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class Matched:
    """Rows that both versions have, as pairs of positions; every row is in one pair at most."""

    before: Positions
    after: Positions

    def __len__(self) -> int:
        return len(self.before)


def table_change(batch: str, table: str, before: Version, after: Version, *, key: Sequence[str]) -> BatchChange:
    """The record of a table that both sides have. `key` is the head's; new categories are not looked for here.

    A label is flipped where both versions of a row have one and they differ; one that came in late is an edit.
    Columns that only one side has do not count as edits.
    """
    rows = match_rows(before.frame, after.frame, key)
    return BatchChange(
        batch=batch,
        table=table,
        kind="changed",
        rows_before=len(before.frame),
        rows_after=len(after.frame),
        rows_added=len(after.frame) - len(rows),
        rows_removed=len(before.frame) - len(rows),
        rows_edited=int(edited(before.frame, after.frame, rows).sum()),
        label_flips=_flips(before.labels, after.labels, rows),
        new_categories={},
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
    """Whether two versions of a table hold the same rows, if in another order or in other bytes."""
    differing = (change.rows_added, change.rows_removed, change.rows_edited, change.label_flips or 0)
    return change.kind == "changed" and not any(differing)


def match_rows(before: pd.DataFrame, after: pd.DataFrame, key: Sequence[str]) -> Matched:
    """Pair the rows that have the same key; missing values of a key equal one another. Without a key none are paired.

    Of rows that share a key, the first of one side is paired with the first of the other, and so on.
    Raises KeyError if a side lacks a column of the key.

    >>> match_rows(pd.DataFrame({"id": [1, 2]}), pd.DataFrame({"id": [2, 3]}), ["id"])
    Matched(before=array([1]), after=array([0]))
    """
    if not key:
        return Matched(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    both = pd.concat([before[list(key)], after[list(key)]], ignore_index=True)
    groups = both.groupby(list(key), dropna=False, sort=False).ngroup()
    sides = np.repeat([0, 1], [len(before), len(after)])
    occurrence = groups.groupby([groups.to_numpy(), sides]).cumcount()
    named = pd.DataFrame({"group": groups, "occurrence": occurrence, "side": sides})
    named["position"] = np.concatenate([np.arange(len(before)), np.arange(len(after))])
    ours, theirs = named[sides == 0], named[sides == 1]
    pairs = ours.merge(theirs, on=["group", "occurrence"], suffixes=("_before", "_after"))
    return Matched(pairs["position_before"].to_numpy(dtype=np.intp), pairs["position_after"].to_numpy(dtype=np.intp))


def edited(before: pd.DataFrame, after: pd.DataFrame, rows: Matched) -> NDArray[np.bool_]:
    """For each pair of rows, whether a column that both sides have differs; missing equals missing."""
    changed = np.zeros(len(rows), dtype=bool)
    for column in (name for name in after.columns if name in before.columns):
        changed |= _differs(before[column].iloc[rows.before], after[column].iloc[rows.after])
    return changed


def new_values(after: Mapping[str, pa.Table], known: Iterable[pa.Table]) -> dict[str, dict[str, NewValues]]:
    """Values of text columns that no table of `known` has, by batch of `after` and column.

    At most `CATEGORIES` of each are named. A column in which every row has a value of its own names rows, and has no
    categories. `known` is read only as far as anything new is left, so that a generator need not read all of history.
    """
    left = {
        (batch, column): dict(_counts(table.column(column)))
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


def text_columns(table: pa.Table) -> list[str]:
    """The columns that hold text."""
    return [field.name for field in table.schema if pa.types.is_string(field.type)]


def columns_differ(before: Collection[str], after: Collection[str]) -> str:
    """In words, the columns that only one version of a table has; empty if there are none.

    >>> columns_differ(["a", "b"], ["b", "c"])
    'column c is new, column a is gone'
    """
    new = [f"column {name} is new" for name in after if name not in before]
    return ", ".join([*new, *(f"column {name} is gone" for name in before if name not in after)])


def _flips(before: pd.Series | None, after: pd.Series | None, rows: Matched) -> int | None:
    if before is None or after is None:
        return None
    old, new = before.iloc[rows.before], after.iloc[rows.after]
    both = old.notna().to_numpy() & new.notna().to_numpy()
    return int(_differs(old[both], new[both]).sum())


def _differs(before: pd.Series, after: pd.Series) -> NDArray[np.bool_]:
    if before.dtype != after.dtype:
        before, after = before.astype(object), after.astype(object)
    lost, gone = before.isna().to_numpy(), after.isna().to_numpy()
    unequal = np.asarray((before.reset_index(drop=True) != after.reset_index(drop=True)).fillna(True), dtype=bool)
    differs: NDArray[np.bool_] = (lost != gone) | (unequal & ~lost & ~gone)
    return differs


def _counts(values: pa.ChunkedArray) -> Mapping[str, int]:
    counts = pc.value_counts(values.drop_null())
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))


def _commonest(values: Mapping[str, int]) -> list[str]:
    return sorted(values, key=lambda value: (-values[value], value))[:CATEGORIES]
