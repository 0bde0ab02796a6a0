"""Rows matched by key, cells, labels, and values that are new: against known answers and a plain loop over rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.data import (
    CATEGORIES,
    NewValues,
    TableDiff,
    category_changes,
    diff_tables,
    flipped,
    is_same,
    new_values,
    schema_changes,
    table_change,
    whole_table,
)
from ratchet.core.change.matching import match_rows
from ratchet.core.change.records import BatchChange, ColumnChange, SchemaChange

Row = tuple[int | None, str | None, float | None, int]
NUMBERS = st.sampled_from([0.0, -0.0, 1.5, math.nan, None])
ROW = st.tuples(st.one_of(st.none(), st.integers(0, 4)), st.sampled_from(["a", "b", None]), NUMBERS, st.integers(0, 1))
TABLE = st.lists(ROW, max_size=12)
SCHEMA = {"id": pl.Int64, "kind": pl.String, "x": pl.Float64, "n": pl.Int64}
KEYS = st.sampled_from([["id", "kind"], ["id"], ["x", "kind"], ["id", "kind", "x", "n"]])


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """A table of four columns, of which any may be the key."""
    return pl.DataFrame(rows, schema=SCHEMA, orient="row", strict=False)


def change(diff: TableDiff) -> BatchChange:
    return table_change("2013-07", "rows", diff)


def plain(value: Any) -> Any:
    """What two equal cells have in common: nothing tells NaN from missing, nor -0 from 0."""
    return None if isinstance(value, float) and math.isnan(value) else value


def naive(before: Sequence[Row], after: Sequence[Row], key: Sequence[str]) -> tuple[int, int, int, dict[str, int]]:
    """Rows added, removed and edited, and edited cells by column: one row after the other, in plain Python."""
    names = list(SCHEMA)
    places = [names.index(name) for name in key]
    groups: dict[tuple[Any, ...], tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((before, after)):
        for row in rows:
            values = tuple(map(plain, row))
            groups[tuple(values[place] for place in places)][side].append(values)
    added = removed = edited = 0
    cells = dict.fromkeys(names, 0)
    for old, new in groups.values():
        for row in list(old):
            if row in new:
                old.remove(row)
                new.remove(row)
        for one, other in zip(old, new, strict=False):
            edited += 1
            for name, was, now in zip(names, one, other, strict=True):
                cells[name] += was != now
        added += max(len(new) - len(old), 0)
        removed += max(len(old) - len(new), 0)
    return added, removed, edited, cells


@given(TABLE, TABLE, KEYS)
def test_counts_are_those_of_a_plain_loop(before: list[Row], after: list[Row], key: list[str]) -> None:
    """Whatever is missing, NaN or there several times: rows added, removed, edited, and edited cells by column."""
    diff = diff_tables(frame(before), frame(after), key)
    found = change(diff)
    assert (found.rows_added, found.rows_removed, found.rows_edited, dict(diff.cells)) == naive(before, after, key)
    assert (len(diff.added()), len(diff.removed())) == (found.rows_added, found.rows_removed)


@given(TABLE, TABLE, KEYS)
def test_pairs_have_the_same_key_and_no_row_twice(before: list[Row], after: list[Row], key: list[str]) -> None:
    """As many pairs as keys in common, in the order of the rows after."""
    rows = match_rows(frame(before), frame(after), key)
    places = [list(SCHEMA).index(name) for name in key]
    old, new = ([tuple(plain(row[place]) for place in places) for row in side] for side in (before, after))
    assert [old[at] for at in rows.before] == [new[at] for at in rows.after]
    assert len(set(rows.before)) == len(set(rows.after)) == len(rows) == (Counter(old) & Counter(new)).total()
    assert rows.after.is_sorted()


@given(TABLE, st.randoms(use_true_random=False), KEYS)
def test_the_order_of_rows_does_not_count(rows: list[Row], random: Any, key: list[str]) -> None:
    """The same rows in any order are the same table, also where several share a key."""
    mixed = sorted(rows, key=lambda _: random.random())
    assert is_same(change(diff_tables(frame(rows), frame(mixed), key)))


@given(TABLE, TABLE, KEYS)
def test_both_directions_count_the_same(before: list[Row], after: list[Row], key: list[str]) -> None:
    """What is added one way is removed the other way, and edits are edits."""
    there, back = (change(diff_tables(*sides, key)) for sides in (
        (frame(before), frame(after)), (frame(after), frame(before))))  # fmt: skip
    assert (there.rows_added, there.rows_removed, there.rows_edited) == (
        back.rows_removed,
        back.rows_added,
        back.rows_edited,
    )


def test_rows_are_matched_by_key_and_counted() -> None:
    """One row gone, two new, one edited, one that only moved."""
    before = pl.DataFrame({"id": [1, 2, 3, 4], "x": [1.0, None, 3.0, 4.0]})
    after = pl.DataFrame({"id": [5, 4, 3, 2, 6], "x": [5.0, 4.5, 3.0, math.nan, 6.0]})
    diff = diff_tables(before, after, ["id"])
    found = change(diff)
    assert found.model_copy(update={"columns": ()}) == BatchChange(
        batch="2013-07", table="rows", kind="changed", rows_before=4, rows_after=5, rows_added=2, rows_removed=1,
        rows_edited=1, label_flips=None, new_categories={},
    )  # fmt: skip
    assert (diff.added().to_list(), diff.removed().to_list()) == ([0, 4], [0])
    assert (diff.edited.before.to_list(), diff.edited.after.to_list()) == ([3], [1])


def test_hashes_that_collide_make_no_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two keys have the same hash, on one side or on both, rows are still matched by the keys themselves."""
    monkeypatch.setattr(pl.DataFrame, "hash_rows", lambda self: pl.Series([0] * len(self), dtype=pl.UInt64))
    one, other = pl.DataFrame({"id": [1]}), pl.DataFrame({"id": [2]})
    assert len(match_rows(one, other, ["id"])) == 0
    assert match_rows(pl.concat([one, other]), other, ["id"]).before.to_list() == [1]


def test_a_table_that_only_one_side_has_is_new_or_gone_as_a_whole() -> None:
    """All of its rows are added or removed, and a table of labelled rows has no flips rather than unknown ones."""
    new, gone = (whole_table("b", "rows", kind, 7, labelled=True) for kind in ("added", "removed"))
    assert (new.rows_before, new.rows_after, new.rows_added, new.rows_removed, new.label_flips) == (0, 7, 7, 0, 0)
    assert (gone.rows_before, gone.rows_after, gone.rows_added, gone.rows_removed) == (7, 0, 0, 7)


def test_without_a_key_every_row_is_another() -> None:
    """Where the base's rows lack the key nothing is matched."""
    both = frame([(1, "a", 1.5, 0)])
    found = change(diff_tables(both, both, []))
    assert (found.rows_added, found.rows_removed, found.rows_edited) == (1, 1, 0)


def test_two_empty_tables_are_the_same() -> None:
    """No rows, no change."""
    assert is_same(change(diff_tables(frame([]), frame([]), ["id"])))


def test_labels_are_flipped_where_both_versions_have_one() -> None:
    """A label that came in late is an edit, not a flip; types may differ."""
    old = pd.Series([True, False, None, True], dtype="boolean")
    assert flipped(old, pd.Series([False, False, True, True])).tolist() == [True, False, False, False]
    assert flipped(pd.Series(["a", "b", None]), pd.Series(["b", "b", "a"])).tolist() == [True, False, False]
    assert flipped(pd.Series([1.0, None]), pd.Series([2.0, None])).tolist() == [True, False]


def test_columns_that_came_went_or_changed_are_named() -> None:
    """The new ones first; a column without a value has no type, and 1 to 1.5 is a change of type."""
    before = pl.DataFrame({"id": [1], "was": [True], "n": [1], "empty": [None]})
    after = pl.DataFrame({"id": [1], "n": [1.5], "empty": ["x"], "new": ["a"]})
    assert schema_changes(before, after) == (
        SchemaChange(column="n", before="integer", after="number"),
        SchemaChange(column="new", before=None, after="string"),
        SchemaChange(column="was", before="boolean", after=None),
    )
    assert not is_same(change(diff_tables(before.select("id"), after.select("id", "new"), ["id"])))


def test_columns_are_listed_by_their_edits_and_by_how_far_they_moved() -> None:
    """The most edited first; one edit among a hundred moves nothing worth telling; words stand where one moved."""
    before = pl.DataFrame({"id": range(100), "x": [0.0] * 100, "y": [1] * 100, "z": [True] * 100})
    after = before.with_columns(x=pl.Series([9.0] * 50 + [0.0] * 50), y=pl.Series([2] + [1] * 99))
    assert change(diff_tables(before, after, ["id"])).columns == (
        ColumnChange(column="x", cells=50, distance=0.5, before="mean 0, half within 0 to 0",
                     after="mean 4.5, half within 0 to 9"),
        ColumnChange(column="y", cells=1, distance=None, before="", after=""),
    )  # fmt: skip


def test_a_column_moves_by_rows_that_came_and_went_too() -> None:
    """No cell is edited, yet half of the rows are others: the distribution is another one."""
    before = pl.DataFrame({"id": range(10), "x": [1] * 10})
    after = pl.DataFrame({"id": range(5, 15), "x": [1] * 5 + [2] * 5})
    found = {each.column: (each.cells, each.distance) for each in change(diff_tables(before, after, ["id"])).columns}
    assert found == {"id": (0, 0.5), "x": (0, 0.5)}


def test_categories_are_new_or_gone() -> None:
    """From edits and from rows that came or went; a value that only lost rows is not gone; numbers have none."""
    before = pl.DataFrame({"id": [1, 2, 3, 4], "kind": ["a", "b", "b", "c"], "n": [1, 1, 1, 1]})
    after = pl.DataFrame({"id": [1, 2, 3, 5], "kind": ["a", "z", "b", "a"], "n": [2, 1, 1, 1]})
    new, gone = category_changes(diff_tables(before, after, ["id"]))
    assert (new, gone) == ({"kind": NewValues(("z",), 1)}, {"kind": NewValues(("c",), 1)})


def test_an_identifier_has_no_categories() -> None:
    """A text that no two rows share names rows, and new ones are no news."""
    before, after = pl.DataFrame({"id": ["a", "b"]}), pl.DataFrame({"id": ["c", "d"]})
    assert category_changes(diff_tables(before, after, ["id"])) == ({}, {})


def texts(**columns: list[str | None]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def test_new_values_are_those_that_no_known_table_has() -> None:
    """Sorted, by batch and column; what is missing is no value; a column that names rows has none."""
    new = texts(kind=["c", "b", None, "c", "a"], name=["n1", "n2", "n3", "n4", "n5"])
    found = new_values({"2013-08": new, "2013-09": texts(kind=["a", "a"])}, [texts(kind=["a", None])])
    assert found == {"2013-08": {"kind": NewValues(("b", "c"), 2)}}


def test_the_commonest_new_values_are_named_and_all_are_counted() -> None:
    """With more than are named, the rare ones go, and how many there are is said."""
    many = [f"{number:03d}" for number in range(CATEGORIES + 5)]
    found = new_values({"b": texts(kind=[*many, *many[3:]])}, [])
    assert found == {"b": {"kind": NewValues(tuple(many[3 : CATEGORIES + 3]), CATEGORIES + 5)}}


def test_history_is_read_only_as_far_as_something_is_new() -> None:
    """Once every value has been seen, no older table is asked for."""

    def known() -> Iterator[pa.Table]:
        yield texts(kind=["a"])
        yield texts(kind=["b"])
        raise AssertionError("read too far")

    assert new_values({"c": texts(kind=["a", "b", "a"])}, known()) == {}
