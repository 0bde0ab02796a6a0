"""Periods of a calendar: which one a moment lies in, what it is called, and when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.conform import blank_is_missing, is_text
from ratchet.core.schema import Period
from ratchet.core.validation.periods import FORMS, Stretch, stretch_of

EVERY = {"day": "1d", "week": "1w", "month": "1mo", "year": "1y"}


def period_of(name: str, period: Period) -> str | None:
    """The period that a batch of this name holds, whatever follows it in the name; None if it names none.

    >>> period_of("2013-07-corrected", Period(every="month")), period_of("part-01", Period(every="month"))
    ('2013-07', None)
    """
    if stretch_of(name, period) is None:
        return None
    found = re.match(FORMS[period.every][0], name)
    return found[0] if found else None


def period_name(start: date, period: Period) -> str:
    """What the period that begins on `start` is called.

    >>> period_name(date(2013, 7, 1), Period(every="week"))
    '2013-W27'
    """
    if period.every == "week":
        year, week, _ = start.isocalendar()
        return f"{year:04d}-W{week:02d}"
    parts = {"day": 10, "month": 7, "year": 4}
    return start.isoformat()[: parts[period.every]]


def period_end(name: str, period: Period) -> datetime:
    """The instant at which the period `name` is over, in UTC. Raises ValueError if it names none."""
    return _midnight(_stretch(name, period).end, period)


def period_start(name: str, period: Period) -> datetime:
    """The instant at which the period `name` begins, in UTC. Raises ValueError if it names none."""
    return _midnight(_stretch(name, period).start, period)


def periods_from(first: str, period: Period) -> Iterator[str]:
    """The names of all periods from `first` on, without an end. Raises ValueError if `first` names none.

    >>> from itertools import islice
    >>> list(islice(periods_from("2013-W52", Period(every="week")), 3))
    ['2013-W52', '2014-W01', '2014-W02']
    """
    name = period_name(_stretch(first, period).start, period)
    while True:
        yield name
        name = period_name(_stretch(name, period).end, period)


def moments(values: pa.ChunkedArray, period: Period) -> pl.Series:
    """A column of times as instants in UTC; what is no time is missing.

    Takes timestamps, dates and ISO 8601 text. A time without a zone is by the clock of the period's zone.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if is_text(values.type):
        values = _parsed(values.cast(pa.string()), period)
    if not (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        return pl.Series([None] * len(values), dtype=pl.Datetime("us", "UTC"))
    series = pl.Series(pl.from_arrow(values.cast(pa.timestamp("us", getattr(values.type, "tz", None)))))
    if getattr(values.type, "tz", None):
        return series.dt.convert_time_zone("UTC")
    # A clock that jumps forward skips an hour: what is written within it is taken for an hour later.
    local, skipped = (
        each.dt.replace_time_zone(period.zone or "UTC", ambiguous="earliest", non_existent="null")
        for each in (series, series.dt.offset_by("1h"))
    )
    return local.fill_null(skipped).dt.convert_time_zone("UTC")


def period_starts(instants: pl.Series, period: Period) -> pl.Series:
    """The day on which the period of each instant begins. An instant that is missing lies where its neighbour lies."""
    local = instants.dt.convert_time_zone(period.zone or "UTC").dt.replace_time_zone(None)
    return local.dt.truncate(EVERY[period.every]).cast(pl.Date)


def _parsed(values: pa.ChunkedArray, period: Period) -> pa.ChunkedArray:
    """Text as timestamps: with a zone where all of it has one, without where none has; mixed, one by one."""
    values = blank_is_missing(pc.utf8_trim_whitespace(values))
    for zone in ("UTC", None):
        try:
            return values.cast(pa.timestamp("us", zone))
        except pa.ArrowInvalid:
            continue
    each = {text: _instant(text, period) for text in values.unique().to_pylist()}
    return pa.chunked_array([pa.array([each[text] for text in values.to_pylist()], pa.timestamp("us", "UTC"))])


def _instant(text: str | None, period: Period) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=_zone(period))


def _stretch(name: str, period: Period) -> Stretch:
    stretch = stretch_of(name, period)
    if stretch is None:
        raise ValueError(f"{name!r} is no {period.every}")
    return stretch


def _midnight(day: date, period: Period) -> datetime:
    return datetime.combine(day, time(), tzinfo=_zone(period)).astimezone(UTC)


def _zone(period: Period) -> ZoneInfo:
    return ZoneInfo(period.zone or "UTC")
