"""When cells are equal although their types differ, and when they are not although they look alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.cells import differ, sides, type_name
from ratchet.core.change.matching import match_rows

NOON = datetime(2013, 7, 4, 12)
UTC_NOON = pl.Series([NOON.replace(tzinfo=UTC)])
ELSEWHERE = NOON.replace(tzinfo=timezone(timedelta(hours=2)))
BIG = 2**53


def differing(before: pl.Series, after: pl.Series) -> list[bool]:
    both = sides(before, after)
    return differ(both.before, both.after).to_list()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (pl.Series([1, 2, None]), pl.Series([1.0, 2.5, None]), [False, True, False]),
        (pl.Series([BIG + 1]), pl.Series([float(BIG)]), [True]),
        (pl.Series([float("nan"), float("inf")]), pl.Series([None, 1]), [False, True]),
        (pl.Series([0.0, -0.0]), pl.Series([-0.0, 0.0]), [False, False]),
        (pl.Series([1], dtype=pl.Int8), pl.Series([1], dtype=pl.UInt64), [False]),
        (pl.Series([-1]), pl.Series([2**64 - 1], dtype=pl.UInt64), [True]),
        (pl.Series([True, False, None]), pl.Series([1, 1, None]), [False, True, False]),
        (pl.Series([True]), pl.Series([1.0]), [False]),
        (pl.Series([0.5], dtype=pl.Float32), pl.Series([0.5]), [False]),
        (pl.Series([Decimal("1.50")]), pl.Series([1.5]), [False]),
        (pl.Series(["1", None]), pl.Series([1, None]), [True, False]),
        (pl.Series(["a", ""]), pl.Series(["a", None]), [False, True]),
        (pl.Series(["a"], dtype=pl.Categorical), pl.Series(["a"]), [False]),
        (pl.Series([None, None]), pl.Series([None, "a"]), [False, True]),
        (pl.Series([NOON]), UTC_NOON, [True]),
        (UTC_NOON, UTC_NOON.dt.convert_time_zone("Asia/Tokyo"), [False]),
        (pl.Series([NOON]).dt.cast_time_unit("ms"), pl.Series([NOON]).dt.cast_time_unit("ns"), [False]),
        (pl.Series([NOON]), pl.Series([NOON]).dt.cast_time_unit("ns") + pl.duration(nanoseconds=1), [True]),
        (pl.Series([datetime(9999, 1, 1)]).dt.cast_time_unit("ms"), pl.Series([datetime(1816, 3, 29)]), [True]),
        (pl.Series([date(2013, 7, 4)]), pl.Series([datetime(2013, 7, 4)]), [False]),
        (pl.Series([[1, None]]), pl.Series([[1, None]]), [False]),
    ],
)  # fmt: skip
def test_cells_are_compared_by_value(old: pl.Series, new: Any, expected: list[bool]) -> None:
    """1 is 1.0 but not "1"; NaN is missing; a moment is the same moment in another zone and resolution, both ways."""
    new = new if isinstance(new, pl.Series) else pl.select(new).to_series()
    assert differing(old, new) == expected
    assert differing(new, old) == expected


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(BIG - 2, BIG + 2)), max_size=8),
    st.lists(st.one_of(st.none(), st.floats(), st.integers(BIG - 2, BIG + 2).map(float)), max_size=8),
)
def test_integers_and_floats_are_equal_as_python_says(integers: list[int | None], floats: list[float | None]) -> None:
    """Python compares an integer with a float exactly; NaN and None are missing here."""
    size = min(len(integers), len(floats))
    expected = [
        (None if other is None or other != other else other) != one  # noqa: PLR0124 - only NaN differs from itself
        for one, other in zip(integers, floats, strict=False)
    ]
    assert differing(pl.Series(integers[:size], dtype=pl.Int64), pl.Series(floats[:size], dtype=pl.Float64)) == expected


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (pl.Series([1, 2, None]), pl.Series([2.0, None, 1.5]), [(1, 0), (2, 1)]),
        (pl.Series([NOON, NOON]), pl.Series([NOON]).dt.cast_time_unit("ns"), [(0, 0)]),
        (pl.Series(["1", None]), pl.Series([1, None]), [(1, 1)]),
    ],
)
def test_keys_are_matched_by_value_too(old: pl.Series, new: pl.Series, pairs: list[tuple[int, int]]) -> None:
    """A key whose type changed still names the same rows."""
    found = match_rows(pl.DataFrame({"id": old}), pl.DataFrame({"id": new}), ["id"])
    assert list(zip(found.before, found.after, strict=True)) == pairs


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (pl.Series([NOON]), "timestamp"),
        (pl.Series([ELSEWHERE]), "timestamp with a zone"),
        (pl.Series([date(2013, 7, 4)]), "date"),
        (pl.Series([1], dtype=pl.Int8), "integer"),
        (pl.Series(["a"], dtype=pl.Categorical), "string"),
        (pl.Series([], dtype=pl.Int64), ""),
    ],
)
def test_types_have_the_schemas_names(values: pl.Series, name: str) -> None:
    """Widths and resolutions make no other type; a column without a value has none."""
    assert type_name(values) == name
