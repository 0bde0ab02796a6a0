"""A few rows of a difference, and a column's distribution in bars."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.data import diff_tables
from ratchet.core.change.data_diff import CellEdit, DataDiff, Examples, RowEdit
from ratchet.core.change.data_examples import LONGEST, examples, in_text
from ratchet.core.change.distribution import BINS, MISSING, OTHERS, VALUES, bars

BEFORE = pl.DataFrame({"id": [1, 2, 3, 4, 9], "x": [1.0, 2.0, None, 4.0, 9.0], "kind": ["a", "b", "c", "d", "e"]})
AFTER = pl.DataFrame({"id": [7, 4, 3, 2, 1], "x": [7.0, 4.5, 3.0, 2.0, 1.0], "kind": ["a", None, "c", "b", "a"]})


def test_an_example_shows_the_edited_cells_alone() -> None:
    """In the order of the rows after, with their keys; a missing cell is None."""
    found = examples(diff_tables(BEFORE, AFTER, ["id"]), 5)
    assert found == Examples(
        edited=(
            RowEdit(key={"id": "4"}, cells=(CellEdit(column="x", before="4", after="4.5"),
                                            CellEdit(column="kind", before="d", after=None))),
            RowEdit(key={"id": "3"}, cells=(CellEdit(column="x", before=None, after="3"),)),
        ),
        added=({"id": "7"},),
        removed=({"id": "9"},),
    )  # fmt: skip


def test_flipped_labels_come_first() -> None:
    """The second edited row is flipped: with one example it is the one, and its label stands beside its cells."""
    labels = (pd.Series([True, False]), pd.Series([True, True]), np.array([False, True]))
    (row,) = examples(diff_tables(BEFORE, AFTER, ["id"]), 1, labels=labels).edited
    assert (row.key, row.label) == ({"id": "3"}, CellEdit(column="label", before="false", after="true"))


@given(st.integers(0, 4))
def test_no_more_rows_than_asked_for(most: int) -> None:
    """Each kind is bounded, also by none at all."""
    before = pl.DataFrame({"id": range(6), "x": [0] * 6})
    after = pl.DataFrame({"id": range(3, 9), "x": [1] * 6})
    found = examples(diff_tables(before, after, ["id"]), most)
    assert [len(each) for each in (found.edited, found.added, found.removed)] == [min(most, 3)] * 3


def test_rows_that_are_compared_whole_are_named_by_their_first_columns() -> None:
    """Without a key of its own a row is shown by a few of its columns."""
    wide = pl.DataFrame({f"c{number}": [1] for number in range(5)})
    found = examples(diff_tables(wide.clear(), wide, wide.columns), 1)
    assert found.added == ({"c0": "1", "c1": "1", "c2": "1"},)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (datetime(2013, 7, 4, 5), "2013-07-04 05:00:00"),
        ("x" * 999, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_cells_in_words(value: object, text: str) -> None:
    """Whole numbers without a fraction, others with all of their digits, long texts cut."""
    assert in_text(value) == text


@given(
    st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=40),
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=40),
)
def test_bars_of_numbers_hold_every_finite_row(old: list[float | None], new: list[float | None]) -> None:
    """Shares sum to one, infinite values aside; there are a few bars, and each has a name of its own place."""
    found = bars("x", pl.Series(old, dtype=pl.Float64), pl.Series(new, dtype=pl.Float64))
    assert len(found.names) == len(found.before) == len(found.after) <= BINS + 1
    infinite = sum(value is not None and np.isinf(value) for value in old) / len(old)
    assert sum(found.before) == pytest.approx(1 - infinite, abs=1e-4)
    assert sum(found.after) == pytest.approx(1, abs=1e-4)


def test_few_numbers_have_a_bar_each() -> None:
    """An hour of the day or a count is not put into ranges; what is missing is the last bar."""
    found = bars("n", pl.Series([1, 1, 3, None]), pl.Series([1.0, 2.0]))
    assert (found.names, found.before, found.after) == (
        ("1", "2", "3", MISSING), (0.5, 0.0, 0.25, 0.25), (0.5, 0.5, 0.0, 0.0)
    )  # fmt: skip


def test_one_number_far_out_does_not_set_the_scale() -> None:
    """Of a thousand numbers between 0 and 1 one is a million: it is in the last bar, which starts below 1."""
    wide = pl.Series([*np.linspace(0, 1, 999), 1e6])
    assert float(bars("x", wide, wide).names[-1].split(" to ")[1]) <= 1


def test_the_commonest_values_have_a_bar_and_the_rest_one_together() -> None:
    """The commonest of either version, so that a value that is gone is seen to be gone."""
    old = pl.Series([f"v{number}" for number in range(30)] + ["gone"] * 10)
    new = pl.Series([f"v{number}" for number in range(30)] + ["new"] * 10)
    found = bars("kind", old, new)
    assert set(found.names[:2]) == {"gone", "new"}
    assert (found.names[-1], len(found.names)) == (OTHERS, VALUES + 1)
    assert sum(found.before) == pytest.approx(1) == sum(found.after)


def test_moments_and_booleans_have_bars() -> None:
    """A moment's bar is called by its day and hour, a boolean's by its value."""
    days = bars("t", pl.Series([datetime(2013, 7, 4)]), pl.Series([datetime(2013, 7, 5)]))
    assert days.names == ("2013-07-04 00:00", "2013-07-05 00:00")
    assert bars("b", pl.Series([True, False]), pl.Series([True, True])).names == ("true", "false")


def test_a_record_reads_back_equal() -> None:
    """What --json prints is the record."""
    record = DataDiff(before="a", after="b", kind="tables", tables=(), shifts=())
    assert DataDiff.model_validate_json(record.model_dump_json()) == record


def test_wide_bars_of_moments_are_named_by_days() -> None:
    """Over months the time of the day is noise; within a day it is all there is."""
    start = datetime(2024, 1, 1, 0, 30)
    months = pl.Series([start + timedelta(days=each) for each in range(200)])
    hours = pl.Series([start + timedelta(minutes=7 * each) for each in range(200)])
    assert (bars("t", months, months).names[0], bars("t", hours, hours).names[0]) == (
        "2024-01-01 to 2024-01-13", "2024-01-01 00:30 to 2024-01-01 01:57"
    )  # fmt: skip
