"""How far a column has moved between two versions of a table."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.column_shift import LEAST, tally
from ratchet.core.change.moved import moved

TEXTS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("old", "new", "distance"),
    [
        (pl.Series([1, 2, 3, 4]), pl.Series([1.0, 2.0, 3.0, 9.0]), 0.25),
        (pl.Series([1.0] * 99 + [2.0]), pl.Series([1.0] * 100), None),
        (pl.Series(["a", "a"]), pl.Series(["a", "b", "b"]), 0.6667),
        (pl.Series(["a", "b"]), pl.Series(["c", "d"]), None),
        (pl.Series(["1", "1"]), pl.Series([1, 1]), None),
        (pl.Series([True, True]), pl.Series([False, None]), 1.0),
        (pl.Series([0]).cast(pl.Datetime("ns")), pl.Series([60_000_000]).cast(pl.Datetime("us")), 1.0),
        (pl.Series([], dtype=pl.Float64), pl.Series([1.0]), None),
    ],
)
def test_two_versions_of_a_column_are_apart_or_not_worth_telling(
    old: pl.Series, new: pl.Series, distance: float | None
) -> None:
    """Integers and floats are both numbers; what names rows, is of another kind or has no rows is not compared."""
    assert moved(old, new) == distance


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=1, max_size=12),
    st.dictionaries(st.integers(0, 11), st.integers(0, 9)),
    st.integers(0, 6),
    st.lists(st.integers(0, 9), max_size=6),
)
def test_nothing_moves_farther_than_its_share_of_other_cells(
    values: list[int | None], edits: dict[int, int], dropped: int, added: list[int]
) -> None:
    """What both versions have in common bounds the distance, so that nothing need be counted where that is much."""
    kept = values[dropped:]
    after = [edits.get(place, value) for place, value in enumerate(kept)]
    same = sum(one == other for one, other in zip(kept, after, strict=True))
    reach = 1 - same / max(len(values), len(after) + len(added))
    both = [pl.Series(each, dtype=pl.Int64) for each in (values, [*after, *added])]
    assert (moved(both[0], both[1]) or 0.0) <= reach + 1e-4


@given(TEXTS, TEXTS)
def test_texts_move_as_batches_do(one: list[str | None], other: list[str | None]) -> None:
    """Counted by polars, the distance is the one that batches are measured by; what names rows has none."""
    both = [*one, "a"], [*other, "a"]
    names_rows = all(len(each) > 1 and len(each) == len(set(each)) for each in both)
    columns = [pa.chunked_array([pa.array(each, pa.string())]) for each in both]
    expected = round(tally(columns).distance([0], [1]), 4)
    found = moved(*(pl.Series(each, dtype=pl.String) for each in both))
    assert found == (None if names_rows or expected <= LEAST else pytest.approx(expected, abs=1.1e-4))
