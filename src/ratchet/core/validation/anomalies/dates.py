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
    counts = compared.frame[time].drop_nulls().value_counts(sort=False, name="rows")
    if counts.is_empty():
        return
    moments = local(counts[time], period.zone)
    parts = pl.DataFrame(
        {"year": moments.dt.year(), "month": moments.dt.month(), "day": moments.dt.day(), "rows": counts["rows"]}
    )
    months = parts.group_by("year", "month").agg(pl.col("rows").sum())
    year, month = months.sort(["rows", "year", "month"], descending=True).row(0)[:2]
    others = parts.filter((pl.col("month") != month) | (pl.col("year") != year))
    mirrored = others.filter((pl.col("day") == month) & (pl.col("year") == year))
    rows = int(mirrored["rows"].sum())
    if rows < max(LEAST_ROWS, MOST * int(others["rows"].sum())) or mirrored["month"].n_unique() < LEAST_MONTHS:
        return
    sentence = (
        f"has days and months the wrong way round in {rows:,} rows: they lie on day {month} of "
        f"{mirrored['month'].n_unique()} other months, and on days of {year}-{month:02d} if read the other way"
    )
    yield compared.finding("swapped-dates", "refuse", time, sentence, count=rows)
