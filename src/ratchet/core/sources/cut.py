"""Rows are cut into periods, chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl
import pyarrow as pa

from ratchet.core.schema import Period
from ratchet.core.sources.periods import moments, period_name, period_starts
from ratchet.core.sources.taken import arrival_order

MOMENT = "%Y-%m-%dT%H:%M:%S%.6fZ"
"""How a moment is written in records: in UTC, always equally long, so that text sorts like time."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Rows of one period out of a chunk, in their order; `newest` is the newest time among them that has been."""

    period: str
    rows: pa.Table
    newest: datetime | None = None


@dataclass
class Cutter:
    """Cuts the chunks of one file, one after the other, by the column `time`.

    A row whose time is missing or cannot be read goes where the row before it went: validation finds it there.
    """

    time: str
    period: Period
    now: datetime
    _before: date | None = None

    def cut(self, rows: pa.Table) -> list[Piece]:
        """The pieces of a chunk, the oldest period first. ValueError if no row of it has a time that can be read."""
        instants = moments(rows.column(self.time), self.period)
        starts = period_starts(instants, self.period)
        if self._before is not None:
            starts = pl.concat([pl.Series([self._before], dtype=pl.Date), starts]).fill_null(strategy="forward")[1:]
        starts = starts.fill_null(strategy="forward").fill_null(strategy="backward")
        if starts.null_count():
            raise ValueError(f"no value of {self.time} can be read as a time")
        self._before = starts[-1]
        days = starts.to_physical().to_numpy()
        found = np.unique(days)
        places = [np.flatnonzero(days == day) for day in found] if len(found) > 1 else [None]
        return [self._piece(day, rows, instants, place) for day, place in zip(found, places, strict=True)]

    def _piece(self, day: np.int32, rows: pa.Table, instants: pl.Series, place: np.ndarray | None) -> Piece:
        start = date.fromordinal(date(1970, 1, 1).toordinal() + int(day))
        kept = rows if place is None else rows.take(pa.array(place))
        here = instants if place is None else instants[place]
        return Piece(period=period_name(start, self.period), rows=kept, newest=newest_time(here, self.now))


def newest_time(instants: pl.Series, now: datetime) -> datetime | None:
    """The newest of instants, without those that are still to come."""
    newest = instants.filter(instants <= now).max()
    return newest if isinstance(newest, datetime) else None


def arrivals(rows: pa.Table, column: str, period: Period) -> pl.Series:
    """When each row arrived, as text that records hold; missing where it cannot be read."""
    values = rows.column(column)
    if not pa.types.is_integer(values.type):
        found = moments(values, period)
        if found.null_count() < len(found) or values.null_count == len(values):
            return found.dt.strftime(MOMENT)
    return pl.Series(pl.from_arrow(values)).cast(pl.String)


def arrived_after(rows: pa.Table, found: pl.Series, threshold: str) -> pa.Table:
    """The rows that arrived after `threshold`; a row without an arrival did not."""
    if not threshold:
        return rows
    bound = arrival_order(threshold)
    later = {text: text is not None and arrival_order(text) > bound for text in found.unique().to_list()}
    return rows.filter(pa.array([later[text] for text in found.to_list()], pa.bool_()))


def newest_arrival(found: pl.Series) -> str:
    """The newest of arrivals; empty if there is none."""
    return max(found.drop_nulls().unique().to_list(), default="", key=arrival_order)


def written(moment: datetime | None) -> str:
    """A moment as records hold it.

    >>> from datetime import UTC
    >>> written(datetime(2013, 7, 1, 4, tzinfo=UTC))
    '2013-07-01T04:00:00.000000Z'
    """
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if moment else ""
