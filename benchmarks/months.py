"""Flights of other years, made from those of 2013: as many months as a benchmark wants, which validation lets pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

ZONE = "America/New_York"
DISTANCES = 40
"""Miles by which copies of a flight differ at most."""


def moved_months(
    source: Path, years: int, copies: int = 1, first: int = 2013
) -> Iterator[tuple[str, dict[str, pl.DataFrame]]]:
    """Name and tables of each month: those of 2013 in `source`, in years from `first` on, each flight `copies` times.

    Years with a leap day are left out.
    No day of one year is a day of another again, which would be refused as a day that was delivered twice.
    """
    plain = [year for year in range(first, 2100) if year % 4][:years]
    for place, year in enumerate(plain):
        for month in sorted(path for path in source.iterdir() if path.is_dir()):
            rows = pl.read_parquet(month / "rows.parquet")
            several = pl.concat([_copy(rows, number, place * copies + number, copies) for number in range(copies)])
            weather = pl.read_parquet(month / "weather.parquet").filter(~pl.col("hour").is_between(1, 2))
            yield (
                month.name.replace("2013", str(year)),
                {
                    "rows": _moved(several, year),
                    "weather": _moved(_warmer(weather, place), year).unique(
                        ["origin", "time_hour"], keep="first", maintain_order=True
                    ),
                },
            )


def write_month(folder: Path, tables: Mapping[str, pl.DataFrame]) -> Path:
    """Write a raw batch into a new folder, and return that."""
    folder.mkdir(parents=True)
    for table, frame in tables.items():
        frame.write_parquet(folder / f"{table}.parquet", compression="zstd")
    return folder


def _copy(rows: pl.DataFrame, number: int, serial: int, copies: int) -> pl.DataFrame:
    return rows.with_columns(
        flight=pl.col("flight") * copies + number, distance=pl.col("distance") + serial % DISTANCES
    )


def _warmer(weather: pl.DataFrame, place: int) -> pl.DataFrame:
    """Each year a tenth of a degree Celsius more: no day of one is a day of another again."""
    return weather.with_columns(pl.col("temp") + 0.18 * place)


def _moved(table: pl.DataFrame, year: int) -> pl.DataFrame:
    """The same hours on the clock in another year; hours that the clock skips or repeats are gone."""
    local = pl.datetime(year, "month", "day", "hour")
    zoned = local.dt.replace_time_zone(ZONE, ambiguous="null", non_existent="null")
    return table.with_columns(year=pl.lit(year, pl.Int64), time_hour=zoned).filter(pl.col("time_hour").is_not_null())
