"""Single decisions of inference: the type, the room of a range, the categories, the key."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.schema import Column
from ratchet.core.schema_inference.columns import infer_column
from ratchet.core.schema_inference.keys import find_key
from ratchet.core.schema_inference.room import highest_allowed, lowest_allowed, matched_required, missing_allowed
from ratchet.core.schema_inference.types import infer_type

FINITE = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.floats(min_value=0, max_value=1, exclude_min=True)


def chunked(*values: Any, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """One column of one batch."""
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", None], "integer"),
        (["1", "2.5"], "number"),
        (["1e3", "inf"], "number"),
        (["007", "123"], "string"),
        (["0x1F", "0x20"], "string"),
        (["12345678901234567890", "1"], "string"),
        (["true", "false"], "boolean"),
        (["2013-01-01", "2013-02-01 05:00"], "timestamp"),
        (["2013-01-01T05:00:00Z"], "timestamp"),
        (["1", "x"], "string"),
        (["inf", "nan"], "string"),
        (["1e400", "1"], "string"),
        ([" ", ""], "string"),
        ([None, None], "string"),
        ([1, 2**62], "integer"),
        ([1.0, 2.0], "integer"),
        ([1.5, None], "number"),
        ([float("inf"), 1.0], "number"),
        ([True, None], "boolean"),
    ],
)
def test_types(values: list[Any], kind: str) -> None:
    """A column gets the narrowest type that loses nothing of its values."""
    assert infer_type([chunked(*values)]) == kind


def test_all_batches_have_a_say() -> None:
    """A type is one that takes the values of every batch; where there is none, none is found."""
    assert infer_type([chunked("1"), chunked("1.5")]) == "number"
    assert infer_type([chunked("1"), chunked("one")]) == "string"
    assert infer_type([chunked(1), chunked("2")]) == "integer"
    assert infer_type([chunked(1), chunked("two")]) is None
    assert infer_type([chunked([1, 2])]) is None
    assert infer_type([chunked(None, kind=pa.bool_()), chunked(None, kind=pa.null())]) == "boolean"
    assert infer_type([chunked(None, kind=pa.bool_()), chunked("a")]) is None


@given(FINITE, FINITE)
def test_ranges_hold_what_was_seen(one: float, other: float) -> None:
    """An inferred range, where there is one, holds the values it was inferred from."""
    low, high = min(one, other), max(one, other)
    least, most = lowest_allowed(low, high), highest_allowed(low, high)
    assert least is None or least <= low
    assert most is None or most >= high
    assert least is None or low < 0 or least >= 0


@given(SHARES)
def test_shares_leave_room(found: float) -> None:
    """As much as was missing may be missing again, and as many rows as found an entry are enough."""
    assert found <= missing_allowed(found)
    assert (missing_allowed(found) == 1) == (found == 1)
    matched = matched_required(found)
    assert matched is None if found < 0.5 else matched is not None and 0.5 <= matched <= found


def column(kind: Any, *batches: list[Any]) -> Column:
    """The inferred column of these batches."""
    kinds = {"string": pl.String(), "integer": pl.Int64(), "number": pl.Float64()}
    series = [pl.Series("x", values, kinds[kind]) for values in batches]
    return infer_column(kind, series, known="before", in_key=False).column


def test_categories_are_few_repeat_and_are_in_every_batch() -> None:
    """A list of values is made of what every batch has; a new, a rare or a garbled one, and there is none."""
    usual = ["a", "b"] * 10
    assert column("string", usual, usual).values == ["a", "b"]
    assert column("string", usual, ["a"] * 20).values is None
    assert column("string", [*usual, "c"], [*usual, "c"]).values is None
    assert column("string", ["KÃ¶ln", "Bonn"] * 10).values is None
    assert column("string", ["a"] * 20).values is None
    assert column("string", [str(number) for number in range(30)] * 10).values is None


def test_numbers_that_count_have_no_end() -> None:
    """Whole numbers that no two rows share go on rising: they get no upper limit; measured ones get one."""
    assert (column("integer", list(range(100, 140))).min, column("integer", list(range(100, 140))).max) == (80, None)
    assert column("integer", [0, 23] * 20).max == 40
    assert column("integer", [1, 2]) == Column(type="integer", min=0, max=3)
    assert column("number", [0.5, 2.5] * 20) == Column(type="number", min=0, max=4)


def test_infinite_numbers_do_not_widen_a_range() -> None:
    """A range is made of finite values; without any there is none."""
    assert column("number", [1.0, 3.0, float("inf")]) == Column(type="number", min=0, max=4)
    assert column("number", [float("inf")] * 3) == Column(type="number")


def test_missing_values_make_a_share() -> None:
    """The batch that missed most decides; a key is never missing, whatever is."""
    found = column("number", [1.0, 2.0, 3.0, None], [1.0, 2.0, 3.0, 4.0])
    assert (found.nullable, found.missing) == (True, 0.5)
    series = [pl.Series("x", [1, None], pl.Int64())]
    assert infer_column("integer", series, known="before", in_key=True).column.nullable is False


def test_the_key_is_the_smallest_set() -> None:
    """A single column that is unique in every batch wins; two are taken where no single one is; copies do not count."""
    first = pl.DataFrame({"a": [1, 1, 2, 2], "b": ["x", "y", "x", "y"], "n": [1.0, 2.0, 3.0, 4.0], "id": [7, 8, 9, 10]})
    types: Any = {"a": "integer", "b": "string", "n": "number", "id": "integer"}
    second = first.with_columns(id=pl.lit(1))
    assert find_key([first], types, time=None) == ["id"]
    assert find_key([first, second], types, time=None) == ["a", "b"]
    assert find_key([first, pl.concat([second, second])], types, time=None) == ["a", "b"]
    assert find_key([first, second], types, time=None, without=["b"]) is None
