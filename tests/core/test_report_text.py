"""Numbers and lists as people read them, and tables that stay small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.report.table import CELL, Column, Row, span, table
from ratchet.core.report.text import MOST_PLACES, PLACES, between, count, duration, listed, number, places, shortened


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.48123, "", "0.4812"), (0.0204, "+", "+0.0204"), (-0.0204, "+", "-0.0204"), (0.0, "+", "+0.0000"),
        (-0.0, "", "0.0000"), (0.00003, "+", "+3.0e-05"), (-0.00003, "", "-3.0e-05"), (1500.04, "", "1,500.0"),
        (-1500.04, "+", "-1,500.0"), (None, "+", "–"),
    ],
)  # fmt: skip
def test_a_number_has_the_places_that_tell(value: float | None, sign: str, text: str) -> None:
    """Small differences are not rounded to nothing, and nothing is not called minus nothing."""
    assert number(value, sign="+" if sign else "") == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_not_zero_does_not_look_like_zero(value: float) -> None:
    """What is shown as zero is zero."""
    assert (float(number(value).replace(",", "")) == 0) == (value == 0)


@pytest.mark.parametrize(
    ("values", "most"),
    [((), 4), ((0.0, None, 0.0204), 4), ((0.0204, -0.000042), 5), ((0.0204, 0.0000042), 6), ((0.02, 1e-17), 4),
     ((0.0000003,), 7), ((0.00001, 1e-17), 5)],
)  # fmt: skip
def test_numbers_side_by_side_have_the_places_of_the_smallest(values: tuple[float | None, ...], most: int) -> None:
    """As many as show each of them; what no sensible number of places shows does not widen the others."""
    assert places(values) == most


@given(st.lists(st.floats(-999, 999)))
def test_numbers_side_by_side_look_alike(values: list[float]) -> None:
    """What the most places would show has no exponent among the others, and all have as many places."""
    most = places(values)
    shown = [number(value, places=most) for value in values if not 0 < abs(value) < 10.0**-MOST_PLACES]
    assert PLACES <= most <= MOST_PLACES
    assert {len(each.partition(".")[2]) for each in shown} <= {most}


def test_an_interval_needs_both_ends() -> None:
    """Half an interval is none."""
    assert (between(-0.1, 0.2), between(None, 0.2), between(-0.1, None)) == ("-0.1000 to +0.2000", "–", "–")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"),
     (200, "3 min 20 s"), (7500, "2 h 5 min")],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str) -> None:
    """Nobody wants to know the seconds of an hour."""
    assert duration(seconds) == text


def test_one_thing_is_not_several() -> None:
    """Words agree with their number."""
    assert [count(each, "file") for each in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    assert count(2, "batch", "batches") == "2 batches"


def test_a_long_list_is_counted() -> None:
    """The first few are named, the others counted."""
    assert listed("abc", 3) == "a, b, c"
    assert listed("abcdefghijklmno", 3) == "a, b, c and 12 more"
    assert listed("abcd", 3, total=1_204) == "a, b, c and 1,201 more"
    assert listed("ab", 3, total=5) == "a, b and 3 more"


@given(st.text(), st.integers(1, 50))
def test_shortened_text_is_short(text: str, most: int) -> None:
    """Never longer than asked for, and the text itself if that fits."""
    short = shortened(text, most)
    assert len(short) <= most
    assert short == text or short.endswith("…")


@given(st.lists(st.text(max_size=400), max_size=40), st.integers(0, 20))
def test_a_table_is_bounded(cells: list[str], most: int) -> None:
    """No more rows than asked for, no cell longer than fits, and every row is either shown or counted."""
    found = table("t", [Column("c")], [Row((cell,)) for cell in cells], most=most)
    assert len(found.rows) == min(most, len(cells))
    assert all(len(row.cells[0]) <= CELL for row in found.rows)
    assert found.more == (f"and {len(cells) - most} more" if len(cells) > most else "")


FINITE = st.floats(-1e6, 1e6)


@given(st.tuples(FINITE, FINITE, FINITE).map(sorted))
def test_an_interval_is_drawn_on_the_side_where_it_lies(ends: list[float]) -> None:
    """Zero is in the middle: what is right of it is better, left of it worse, and all of it can be seen."""
    low, value, high = ends
    drawn = span(low, value, high)
    if drawn is None:
        assert low == value == high == 0
        return
    for at, number_ in ((drawn.low, low), (drawn.value, value), (drawn.high, high)):
        assert 0 <= at <= 100
        assert at >= 50 if number_ > 0 else at <= 50


def test_no_interval_is_not_drawn() -> None:
    """Without both ends there is nothing to draw."""
    assert (span(None, 0.1, 0.2), span(0.1, 0.1, None), span(0.1, None, 0.2)) == (None, None, None)
