"""Which stretch of time a batch holds, read from its name: 2013, 2013-07, 2013-W27, 2013-07-04.

What came after its period was cut has the period's name and a suffix that starts with a letter: 2013-07.late-1,
2013-07-corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

import polars as pl

from ratchet.core.schema import Period

HISTORY = 12
"""How many earlier batches a batch is compared with."""
SUFFIX = r"(?:[._-][A-Za-z][0-9A-Za-z._-]*)?"
FORMS = {
    "year": (r"(\d{4})", "2013"),
    "month": (r"(\d{4})-(\d{2})", "2013-07"),
    "week": (r"(\d{4})-W(\d{2})", "2013-W27"),
    "day": (r"(\d{4})-(\d{2})-(\d{2})", "2013-07-04"),
}
"""How a period is named: a pattern, and an example for messages."""


@dataclass(frozen=True)
class Stretch:
    """From `start` up to but not including `end`, by the calendar of the period's zone."""

    start: date
    end: date


def stretch_of(name: str, period: Period) -> Stretch | None:
    """The stretch that the batch `name` holds; None if no period of this kind has this name.

    >>> stretch_of("2013-12", Period(every="month"))
    Stretch(start=datetime.date(2013, 12, 1), end=datetime.date(2014, 1, 1))
    >>> stretch_of("2013-12.late-1", Period(every="month")) == stretch_of("2013-12", Period(every="month"))
    True
    >>> stretch_of("2013-13", Period(every="month"))
    """
    found = re.fullmatch(FORMS[period.every][0] + SUFFIX, name)
    if found is None:
        return None
    try:
        return _stretch([int(each) for each in found.groups()], period)
    except (ValueError, OverflowError):
        return None


def _stretch(numbers: list[int], period: Period) -> Stretch:
    if period.every == "week":
        start = date.fromisocalendar(numbers[0], numbers[1], 1)
        return Stretch(start, start + timedelta(days=7))
    start = date(*(*numbers, 1, 1)[:3])
    if period.every == "day":
        return Stretch(start, start + timedelta(days=1))
    months = 12 if period.every == "year" else 1
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return Stretch(start, date(year, month + 1, 1))


def is_whole(name: str, period: Period | None) -> bool:
    """Whether a batch of this name should hold all of its period; what came late, or corrects it, holds a part.

    >>> [is_whole(name, Period(every="month")) for name in ("2013-12", "2013-12.late-1")]
    [True, False]
    """
    return period is None or re.fullmatch(FORMS[period.every][0], name) is not None


def is_part(name: str, others: Iterable[str], period: Period | None) -> bool:
    """Whether a batch of this name only adds to another one, or corrects it.

    Its name says so: a period's with a suffix, or, where batches have no period, that of one of `others` with a suffix.

    >>> is_part("2013-12.late-1", [], Period(every="month"))
    True
    >>> [is_part(name, ["march"], None) for name in ("march", "march-corrected", "march2")]
    [False, True, False]
    """
    if period is not None:
        return not is_whole(name, period)
    bases = (name[len(other) :] for other in others if other != name and name.startswith(other))
    return any(re.fullmatch(SUFFIX, suffix) for suffix in bases)


def history_of(batch: str, names: Iterable[str], period: Period | None) -> list[str]:
    """The batches, of those called `names`, that a batch is compared with: the last whole ones before it, in order."""
    before = sorted(name for name in names if name < batch)
    # From the newest back: of years of days, no more are looked at than are wanted.
    whole = (name for name in reversed(before) if not is_part(name, before, period))
    return list(islice(whole, HISTORY))[::-1]


def expected_form(period: Period) -> str:
    """How a batch of this kind of period is named, for messages."""
    example = FORMS[period.every][1]
    return f"such as {example}, or {example}.late-1 for what came later"


def inside(column: str, stretch: Stretch, zone: str | None, *, zoned: bool) -> pl.Expr:
    """Whether the moments of `column` lie in the stretch. Moments without a zone are by the calendar's own clock."""
    clock = pl.col(column)
    if zoned:
        clock = clock.dt.convert_time_zone(zone or "UTC").dt.replace_time_zone(None)
    start, end = (datetime.combine(day, time()) for day in (stretch.start, stretch.end))
    return ((clock >= start) & (clock < end)).fill_null(True)
