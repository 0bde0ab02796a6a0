"""Rows matched by key, labels, and values that are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.data import (
    CATEGORIES,
    NewValues,
    Version,
    edited,
    is_same,
    match_rows,
    new_values,
    table_change,
    whole_table,
)
from ratchet.core.change.records import BatchChange

Row = tuple[int, str | None, float | None]
ROW = st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", None]), st.sampled_from([1.5, 2.5, None]))
TABLE = st.lists(ROW, max_size=12)
KEY = ["id", "kind"]


def frame(rows: list[Row]) -> pd.DataFrame:
    """A table with the key (id, kind) and a value."""
    return pd.DataFrame(
        {
            "id": pd.Series([row[0] for row in rows], dtype="int64"),
            "kind": pd.Series([row[1] for row in rows], dtype="str"),
            "x": pd.Series([row[2] for row in rows], dtype="float64"),
        }
    )


def change(before: Version, after: Version, key: list[str] | None = None) -> BatchChange:
    return table_change("2013-07", "rows", before, after, key=["id"] if key is None else key)


def test_rows_are_matched_by_key_and_counted() -> None:
    """One row gone, two new, one edited, one that only moved; two labels flipped, and one that came in late is none."""
    before = Version(
        pd.DataFrame({"id": [1, 2, 3, 4], "x": [1.0, np.nan, 3.0, 4.0]}),
        pd.Series([True, False, None, True], dtype="boolean"),
    )
    after = Version(
        pd.DataFrame({"id": [5, 4, 3, 2, 6], "x": [5.0, 4.5, 3.0, np.nan, 6.0]}),
        pd.Series([True, False, True, True, False], dtype="boolean"),
    )
    assert change(before, after) == BatchChange(
        batch="2013-07", table="rows", kind="changed", rows_before=4, rows_after=5, rows_added=2, rows_removed=1,
        rows_edited=1, label_flips=2, new_categories={},
    )  # fmt: skip


def test_a_table_without_labels_has_no_flips() -> None:
    """None says that there is nothing to flip; two that are equal are the same table, in whatever order."""
    one, other = Version(frame([(1, "a", 1.5), (2, None, None)])), Version(frame([(2, None, None), (1, "a", 1.5)]))
    assert change(one, other).label_flips is None
    assert is_same(change(one, other))


def test_a_flipped_label_alone_makes_a_change() -> None:
    """The rows are equal, yet the label function says otherwise."""
    rows = frame([(1, "a", 1.5)])
    assert not is_same(change(Version(rows, pd.Series([1.0])), Version(rows, pd.Series([2.0]))))


def test_a_table_that_only_one_side_has_is_new_or_gone_as_a_whole() -> None:
    """All of its rows are added or removed, and a table of labelled rows has no flips rather than unknown ones."""
    new, gone = (whole_table("b", "rows", kind, 7, labelled=True) for kind in ("added", "removed"))
    assert (new.rows_before, new.rows_after, new.rows_added, new.rows_removed, new.label_flips) == (0, 7, 7, 0, 0)
    assert (gone.rows_before, gone.rows_after, gone.rows_added, gone.rows_removed) == (7, 0, 0, 7)


def test_without_a_key_every_row_is_another() -> None:
    """Where the base's rows lack the key nothing is matched."""
    both = Version(frame([(1, "a", 1.5)]))
    found = change(both, both, key=[])
    assert (found.rows_added, found.rows_removed, found.rows_edited) == (1, 1, 0)


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        (pd.Series([1, 2]), pd.Series([1.0, 2.0]), [False, False]),
        (pd.Series(["1", None]), pd.Series([1.0, None]), [True, False]),
        (pd.to_datetime(pd.Series(["2013-01-01"])), pd.to_datetime(pd.Series(["2013-01-01"]), utc=True), [True]),
        (pd.Series([True]), pd.Series([None], dtype=object), [True]),
    ],
)
def test_a_column_whose_type_changed_is_compared_by_value(old: pd.Series, new: pd.Series, differs: list[bool]) -> None:
    """1 is 1.0 but not "1"; a moment with a zone is another than one without; missing equals only missing."""
    one, other = pd.DataFrame({"id": range(len(old)), "x": old}), pd.DataFrame({"id": range(len(new)), "x": new})
    assert edited(one, other, match_rows(one, other, ["id"])).tolist() == differs


@given(TABLE, TABLE)
def test_every_row_is_accounted_for(before: list[Row], after: list[Row]) -> None:
    """Added and kept rows are those after, removed and kept ones those before; as many pairs as keys in common."""
    old, new = frame(before), frame(after)
    rows = match_rows(old, new, KEY)
    found = change(Version(old), Version(new), key=KEY)
    assert found.rows_added + len(rows) == found.rows_after == len(after)
    assert found.rows_removed + len(rows) == found.rows_before == len(before)
    assert found.rows_edited <= len(rows)
    common = Counter(row[:2] for row in before) & Counter(row[:2] for row in after)
    assert len(rows) == common.total()


@given(TABLE, TABLE)
def test_pairs_have_the_same_key_and_no_row_twice(before: list[Row], after: list[Row]) -> None:
    """Whatever is missing or there several times."""
    rows = match_rows(frame(before), frame(after), KEY)
    assert [before[at][:2] for at in rows.before] == [after[at][:2] for at in rows.after]
    assert len(set(rows.before.tolist())) == len(set(rows.after.tolist())) == len(rows)


@given(st.lists(ROW, max_size=12, unique_by=lambda row: row[:2]), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(rows: list[Row], random: object) -> None:
    """Rows with keys of their own, in any order, are the same table."""
    mixed = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined] # Hypothesis gives random.Random
    assert is_same(change(Version(frame(rows)), Version(frame(mixed)), key=KEY))


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
