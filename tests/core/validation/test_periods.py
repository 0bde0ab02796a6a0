"""Which stretch of time a batch's name stands for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.schema import Period
from ratchet.core.validation.periods import FORMS, expected_form, stretch_of

Every = Literal["day", "week", "month", "year"]
EVERY: list[Every] = ["day", "week", "month", "year"]


@pytest.mark.parametrize(
    ("every", "name", "start", "end"),
    [
        ("year", "2013", date(2013, 1, 1), date(2014, 1, 1)),
        ("month", "2013-12", date(2013, 12, 1), date(2014, 1, 1)),
        ("month", "2012-02.late-2", date(2012, 2, 1), date(2012, 3, 1)),
        ("month", "2012-02-corrected", date(2012, 2, 1), date(2012, 3, 1)),
        ("week", "2009-W53", date(2009, 12, 28), date(2010, 1, 4)),
        ("day", "2012-02-29", date(2012, 2, 29), date(2012, 3, 1)),
    ],
)
def test_a_name_stands_for_its_stretch(every: Every, name: str, start: date, end: date) -> None:
    """From the first day up to the day after the last; a suffix that starts with a letter changes nothing."""
    found = stretch_of(name, Period(every=every))
    assert found is not None
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize(
    ("every", "name"),
    [
        ("year", "2013-07"), ("month", "2013"), ("month", "2013-13"), ("month", "2013-07-04"), ("month", "2013-07x"),
        ("week", "2013-27"), ("week", "2013-W54"), ("day", "2013-02-29"), ("day", "2013-W01-1"), ("month", "0000-01"),
    ],
)  # fmt: skip
def test_another_name_stands_for_nothing(every: Every, name: str) -> None:
    """A name of another kind of period, or of a day that no calendar has."""
    assert stretch_of(name, Period(every=every)) is None


@pytest.mark.parametrize("every", EVERY)
def test_the_example_in_messages_is_right(every: Every) -> None:
    """What a message calls an example is one."""
    assert stretch_of(FORMS[every][1], Period(every=every)) is not None
    assert FORMS[every][1] in expected_form(Period(every=every))


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_each_day_is_in_the_period_it_names(day: date) -> None:
    """Day, week, month and year of a date all hold the date."""
    year, week, _ = day.isocalendar()
    names: dict[Every, str] = {
        "day": f"{day}",
        "week": f"{year}-W{week:02d}",
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
    }
    for every, name in names.items():
        found = stretch_of(name, Period(every=every))
        assert found is not None
        assert found.start <= day < found.end <= found.start + timedelta(days=366)
