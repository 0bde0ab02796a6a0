"""The rules that rows keep."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.model_record import Feature
from ratchet.serving.fields import clipped, shown
from ratchet.serving.inputs import Inputs
from ratchet.serving.refusal import FIELDS_SHOWN, RequestRefused

INPUTS = Inputs(
    [
        Feature(name="delay", kind="number", nullable=False),
        Feature(name="wind", kind="number", nullable=True),
        Feature(name="carrier", kind="category", nullable=False, example="UA"),
    ]
)
GOOD: dict[str, Any] = {"delay": 1.5, "wind": None, "carrier": "UA"}


def refusal(*rows: object) -> str:
    """What is said about rows that are refused."""
    with pytest.raises(RequestRefused) as caught:
        INPUTS.from_rows(rows)
    return caught.value.message


def test_rows_become_columns_in_the_models_order() -> None:
    """Columns come in the order of the features, whatever the order of the fields, and integers become floats."""
    columns = INPUTS.from_rows([{"carrier": "UA", "wind": 2, "delay": 1}, GOOD])
    assert list(columns.items()) == [("delay", [1.0, 1.5]), ("wind", [2.0, None]), ("carrier", ["UA", "UA"])]
    assert [type(value) for value in columns["delay"]] == [float, float]


def test_every_missing_field_is_named() -> None:
    """All missing fields are named with the rows that miss them."""
    assert refusal(GOOD, {"wind": 1}) == (
        "the rows are refused: rows.delay: is missing (1 row, for example row 1); "
        "rows.carrier: is missing (1 row, for example row 1)"
    )


def test_an_unknown_field_names_the_nearest_known_one() -> None:
    """A misspelt field is refused with the name that was probably meant."""
    assert refusal({**GOOD, "carier": "UA"}) == (
        "the rows are refused: rows.carier: is unknown, did you mean carrier? (1 row, for example row 0)"
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("delay", "1.5", "rows.delay: must be a JSON number (1 row, for example row 1: '1.5')"),
        ("delay", True, "rows.delay: must be a JSON number (1 row, for example row 1: true)"),
        ("delay", None, "rows.delay: must not be null (1 row, for example row 1)"),
        ("delay", 10**400, "rows.delay: must fit a 64-bit float (1 row, for example row 1)"),
        ("wind", [1], "rows.wind: must be a JSON number (1 row, for example row 1: a list)"),
        ("carrier", 7, "rows.carrier: must be a JSON string (1 row, for example row 1: 7)"),
        ("carrier", 10**400,
         "rows.carrier: must be a JSON string (1 row, for example row 1: a number of more than 308 digits)"),
        ("carrier", {}, "rows.carrier: must be a JSON string (1 row, for example row 1: an object)"),
        ("carrier", None, "rows.carrier: must not be null (1 row, for example row 1)"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_row_and_rule(field: str, value: object, said: str) -> None:
    """The message names the field, the rule, the row and the value."""
    assert refusal(GOOD, {**GOOD, field: value}) == f"the rows are refused: {said}"


def test_a_row_that_is_no_object_is_named() -> None:
    """A row must be an object; the first that is not is named."""
    assert refusal(GOOD, 3) == "row 1 is 3, not an object of field: value"


def test_many_broken_rows_show_few_examples() -> None:
    """However many rows break a rule, a few are shown and all are counted."""
    said = refusal(*[{**GOOD, "delay": "x"}] * 1_000)
    assert said == (
        "the rows are refused: rows.delay: must be a JSON number "
        "(1,000 rows, for example row 0: 'x', row 1: 'x', row 2: 'x')"
    )


def test_many_unknown_fields_are_bounded() -> None:
    """However many unknown fields there are, a bounded number is named and the rest is counted."""
    said = refusal({**GOOD, **{f"field {number:04}": 1 for number in range(1_000)}})
    assert said.count("is unknown") == FIELDS_SHOWN
    assert said.endswith(f"; and {1_000 - FIELDS_SHOWN} more")


def test_columns_of_a_frame_count_all_of_their_rows() -> None:
    """A column that is missing from a whole table is missing from each of its rows."""
    with pytest.raises(RequestRefused, match=r"rows.carrier: is missing \(2 rows, for example row 0, row 1\)"):
        INPUTS.from_columns({"delay": [1, 2], "wind": [1, 2]})


def test_the_example_keeps_the_rules() -> None:
    """The example row is let through: values that were seen where they are known, else null where allowed."""
    assert INPUTS.from_rows([INPUTS.example()]) == {"delay": [1.0], "wind": [None], "carrier": ["UA"]}


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
good_rows = st.fixed_dictionaries({"delay": numbers, "wind": st.none() | numbers, "carrier": st.text()})


@given(st.lists(good_rows, min_size=1, max_size=5))
def test_rows_that_keep_the_rules_keep_their_values(rows: list[dict[str, Any]]) -> None:
    """What is let through is what was sent, row by row."""
    columns = INPUTS.from_rows(rows)
    assert [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] == rows


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_value_can_be_shown(value: object) -> None:
    """A message can show any JSON value, in little space, and be written as UTF-8."""
    said = shown(value)
    assert len(said.encode()) < 1_000


def test_text_that_utf8_cannot_carry_is_escaped() -> None:
    """Half a surrogate pair does not break the answer that names it."""
    assert clipped("a\ud800") == "a\\ud800"


def test_infinity_never_comes_from_json() -> None:
    """The largest integer that fits a float is let through; one beyond is refused."""
    largest = int(1.7976931348623157e308)
    assert math.isfinite(float(str(INPUTS.from_rows([{**GOOD, "delay": largest}])["delay"][0])))
    assert "must fit a 64-bit float" in refusal({**GOOD, "delay": largest * 2})
