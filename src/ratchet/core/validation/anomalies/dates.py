"""Days and months that were read the wrong way round: 7 December from what was 12 July."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ratchet.core.schema import Rows
from ratchet.core.validation.anomalies.compared import LEAST_ROWS, Compared
from ratchet.core.validation.profile import time_column
from ratchet.core.validation.profile_rows import local
from ratchet.core.validation.records import Finding

MOST = 0.9
"""Share of the rows outside of the commonest month that swapping must bring back into it."""
LEAST_MONTHS = 3
"""Other months that such rows must be spread over."""


def swapped_dates(compared: Compared) -> Iterator[Finding]:
    """A batch of one month whose other rows lie on days that mirror days of it. Refused; needs no earlier batch."""
    time = time_column(compared.table)
    period = compared.table.period if isinstance(compared.table, Rows) else None
    if time is None or time not in compared.frame.columns or period is None or period.every != "month":
        return
    moments = local(compared.frame[time].drop_nulls(), period.zone)
    if not len(moments):
        return
    parts = pl.DataFrame({"year": moments.dt.year(), "month": moments.dt.month(), "day": moments.dt.day()})
    months = parts.group_by("year", "month").len().sort(["len", "year", "month"], descending=True)
    year, month = months.row(0)[:2]
    others = parts.filter((pl.col("month") != month) | (pl.col("year") != year))
    mirrored = others.filter((pl.col("day") == month) & (pl.col("year") == year))
    if mirrored.height < max(LEAST_ROWS, MOST * others.height) or mirrored["month"].n_unique() < LEAST_MONTHS:
        return
    sentence = (
        f"has days and months the wrong way round in {mirrored.height:,} rows: they lie on day {month} of "
        f"{mirrored['month'].n_unique()} other months, and on days of {year}-{month:02d} if read the other way"
    )
    yield compared.finding("swapped-dates", "refuse", time, sentence, count=mirrored.height)
