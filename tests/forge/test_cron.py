"""When crons come due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import UsageError
from ratchet.forge.cron import LOOK_BACK, is_due

MONDAY = datetime(2026, 11, 23, 3, 17, tzinfo=UTC)
MINUTES = st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))

JUST_NOW = [
    ("17 3 * * 1", MONDAY, True),
    ("17 3 * * 1", MONDAY + timedelta(days=1), False),
    ("17 3 * * mon", MONDAY, True),
    ("17 3 * nov 1", MONDAY, True),
    ("17 3 * NOV *", MONDAY, True),
    ("17 3 * dec *", MONDAY, False),
    ("*/15 * * * *", MONDAY, False),
    ("*/15 * * * *", MONDAY.replace(minute=45), True),
    ("2/15 * * * *", MONDAY, True),
    ("10-20 3-4 * * *", MONDAY, True),
    ("0,17,30 * * * *", MONDAY, True),
    ("17 3 23 * *", MONDAY, True),
    ("17 3 24 * *", MONDAY, False),
    # Both days restricted: either will do. One of them: that one must.
    ("17 3 24 * 1", MONDAY, True),
    ("17 3 23 * 2", MONDAY, True),
    ("17 3 24 * 2", MONDAY, False),
    ("17 3 * * 0", datetime(2026, 11, 22, 3, 17, tzinfo=UTC), True),
    ("0 0 31 12 *", datetime(2026, 12, 31, tzinfo=UTC), True),
]


@pytest.mark.parametrize(("line", "now", "due"), JUST_NOW)
def test_a_line_is_due_in_its_minute(line: str, now: datetime, due: bool) -> None:
    """Lists, ranges, steps, names and both kinds of days mean what POSIX says."""
    assert is_due(line, since=None, now=now) == due


@given(MINUTES, st.integers(1, 7 * 24 * 60))
def test_what_came_due_meanwhile_is_due_once(now: datetime, minutes: int) -> None:
    """Asked at any two moments, a line is due in exactly one of the spans that its minute lies in."""
    line = f"{now.minute} {now.hour} {now.day} {now.month} *"
    before, after = now - timedelta(minutes=minutes), now + timedelta(minutes=minutes)
    assert [is_due(line, since=since, now=end) for since, end in ((before, now), (now, after))] == [True, False]


def test_what_is_long_past_is_not_made_up_for() -> None:
    """A machine that was off for a year starts what came due in the last days, and not what was due before."""
    late = MONDAY + LOOK_BACK + timedelta(days=1)
    assert is_due("17 3 23 11 *", since=MONDAY - timedelta(days=300), now=late) is False
    assert is_due("17 3 * * *", since=MONDAY - timedelta(days=300), now=late) is True


@pytest.mark.parametrize(
    "line", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *",
             "*/0 * * * *", "@daily", "* * * * noon", "1.5 * * * *", "-1 * * * *"]
)  # fmt: skip
def test_a_line_that_is_none_is_refused(line: str) -> None:
    """The wrong number of fields, numbers out of range, and words that mean nothing are refused with the line."""
    with pytest.raises(UsageError, match="the cron"):
        is_due(line, since=None, now=MONDAY)
