"""Declared days on which nothing is promoted: dates and weekdays, by the calendar of a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ratchet.core.freeze import WEEKDAYS, Window, declared

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Africa/Cairo", "America/Sao_Paulo")
"""Among them some whose clocks skip midnight once a year, or did."""
MOMENTS = st.datetimes(datetime(2014, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
DATES = st.dates(date(2014, 1, 1), date(2030, 1, 1))


@settings(deadline=None)
@given(moment=MOMENTS, first=DATES, length=st.integers(0, 40), zone=st.sampled_from(ZONES))
def test_dates_are_days_of_the_zone_both_included(moment: datetime, first: date, length: int, zone: str) -> None:
    """From the first midnight until the one after the last day, where the zone has it."""
    window = Window(since=first.isoformat(), until=(first + timedelta(days=length)).isoformat(), zone=zone)
    here = moment.astimezone(ZoneInfo(zone))
    assert window.covers(moment) == (0 <= (here.date() - first).days <= length)


@settings(deadline=None)
@given(moment=MOMENTS, days=st.sets(st.sampled_from(WEEKDAYS), min_size=1, max_size=6), zone=st.sampled_from(ZONES))
def test_what_a_window_says_of_its_end_is_true(moment: datetime, days: set[str], zone: str) -> None:
    """At its end it does not cover, and at each hour before it does; the name of the day is the zone's."""
    window = Window.model_validate({"weekdays": sorted(days), "zone": zone})
    assert window.covers(moment) == (moment.astimezone(ZoneInfo(zone)).strftime("%A").lower() in days)
    if not window.covers(moment):
        return
    end = window.ends(moment).astimezone(UTC)
    assert not window.covers(end)
    hours = int((end - moment).total_seconds() // 3600)
    assert all(window.covers(moment + timedelta(hours=hour)) for hour in range(hours + 1) if hour < hours)
    assert window.covers(end - timedelta(seconds=1))


def test_the_first_window_that_covers_is_named() -> None:
    """Of several the one that people wrote first; none where none covers."""
    holidays = Window(since="2026-12-20", until="2027-01-03", reason="holidays")
    weekend = Window(weekdays=("saturday", "sunday"), reason="weekend")
    saturday, monday = (datetime(2026, 12, day, 12, tzinfo=UTC) for day in (26, 14))
    assert declared([weekend, holidays], saturday) == weekend
    assert declared([weekend, holidays], monday) is None


def test_an_end_is_told_though_every_day_is_frozen() -> None:
    """All seven weekdays never end: the answer is far away, not an endless search."""
    window = Window(weekdays=WEEKDAYS)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert window.ends(moment) - moment > timedelta(days=3650)


@pytest.mark.parametrize(
    "tree",
    [
        {}, {"since": "2026-01-01"}, {"until": "2026-01-01"}, {"since": "2026-01-02", "until": "2026-01-01"},
        {"since": "2026-01-01", "until": "2026-01-02", "weekdays": ["monday"]}, {"weekdays": ["Montag"]},
        {"since": "soon", "until": "later"}, {"weekdays": ["monday"], "zone": "Europe/Atlantis"},
    ],
)  # fmt: skip
def test_a_window_that_says_nothing_clear_is_refused(tree: dict[str, object]) -> None:
    """When it is read, not on the day on which it should have held."""
    with pytest.raises(ValidationError):
        Window.model_validate(tree)
