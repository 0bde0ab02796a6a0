"""Values that are wrong: missing, constant, misspelt, doubled, out of range, joined to the wrong thing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Change = Callable[[pd.DataFrame], pd.DataFrame]
Named = Callable[[str, str, Change], set[tuple[str, str, str]]]


def every(table: pd.DataFrame, step: int) -> pd.Series:
    return pd.Series(np.arange(len(table)) % step == 0, index=table.index)


def join_failed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(tailnum=pd.Series(None, index=rows.index, dtype="str"))


def join_failed_for_half(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(tailnum=rows["tailnum"].mask(every(rows, 2)))


def weather_column_lost(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(temp=np.nan)


def sensor_off(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(wind_dir=weather["wind_dir"].mask(weather["origin"] == "EWR"))


def constant_carrier(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(carrier="UA", flight=np.arange(len(rows)) % 9999 + 1)


def constant_pressure(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(pressure=1013.25)


def mojibake(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dest=rows["dest"].mask(rows["dest"] == "SJU", "SÃ£o"))


def control_characters(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dest=rows["dest"].mask(every(rows, 300), "LA\x07"))


def lower_case(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(carrier=rows["carrier"].str.lower())


def padded(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dest=rows["dest"] + " ")


def padded_tail_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(tailnum=rows["tailnum"].str.ljust(8))


def unknown_for_missing(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(tailnum=rows["tailnum"].mask(every(rows, 30), "UNKNOWN"))


def without_kennedy(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["origin"] != "JFK"]


def new_carrier(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(carrier=rows["carrier"].mask(every(rows, 12), "ZZ"))


def copies(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.head(50)], ignore_index=True)


def same_key_twice(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.head(50).assign(tailnum="N0EGMQ")], ignore_index=True)


def unknown_origin(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(origin=rows["origin"].mask(every(rows, 400), "HPN"))


def infinite(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(wind_speed=weather["wind_speed"].mask(every(weather, 400), np.inf))


def below_zero(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(precip=weather["precip"].mask(every(weather, 400), -999.0))


def too_many(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(air_time=rows["air_time"].mask(every(rows, 400), 99999.0))


def key_missing(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(carrier=rows["carrier"].mask(every(rows, 400)))


def one_row_further(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dep_delay=rows["dep_delay"].shift(1))


def hour_off_by_one(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(hour=rows["hour"].mask(every(rows, 400), (rows["hour"] + 1) % 24))


@pytest.mark.parametrize(
    ("month", "table", "change", "expected"),
    [
        ("2013-05", "rows", join_failed, {("tailnum", "all-missing", "refuse")}),
        ("2013-09", "rows", join_failed, {("tailnum", "all-missing", "refuse")}),
        ("2013-05", "rows", join_failed_for_half, {("tailnum", "missing-share", "refuse")}),
        ("2013-09", "weather", weather_column_lost, {("temp", "all-missing", "refuse")}),
        ("2013-05", "weather", sensor_off, {("wind_dir", "missing-share", "refuse")}),
        ("2013-09", "rows", constant_carrier, {("carrier", "constant", "refuse")}),
        ("2013-05", "weather", constant_pressure, {("pressure", "constant", "refuse")}),
        ("2013-05", "rows", lower_case, {("carrier", "spelling-change", "refuse")}),
        ("2013-09", "rows", lower_case, {("carrier", "spelling-change", "refuse")}),
        ("2013-05", "rows", padded, {("dest", "padded-text", "refuse")}),
        (
            "2013-09",
            "rows",
            padded_tail_numbers,
            {("tailnum", "padded-text", "refuse"), ("tailnum", "unmatched", "refuse")},
        ),
        ("2013-05", "rows", without_kennedy, {("origin", "vanished-value", "refuse")}),
        ("2013-05", "rows", new_carrier, {("carrier", "unmatched", "refuse"), ("carrier", "new-values", "warn")}),
        ("2013-09", "rows", new_carrier, {("carrier", "unmatched", "refuse"), ("carrier", "new-values", "warn")}),
        ("2013-05", "rows", unknown_for_missing, {("tailnum", "default-value", "warn")}),
        ("2013-05", "rows", mojibake, {("dest", "mojibake", "quarantine")}),
        ("2013-09", "rows", mojibake, {("dest", "mojibake", "quarantine")}),
        ("2013-05", "rows", control_characters, {("dest", "control-character", "quarantine")}),
        ("2013-09", "rows", copies, {("time_hour+carrier+flight", "duplicate-row", "quarantine")}),
        ("2013-05", "rows", same_key_twice, {("time_hour+carrier+flight", "key-not-unique", "quarantine")}),
        ("2013-09", "rows", unknown_origin, {("origin", "not-in-values", "quarantine")}),
        ("2013-05", "weather", infinite, {("wind_speed", "infinite", "quarantine")}),
        ("2013-09", "weather", below_zero, {("precip", "below-min", "quarantine")}),
        ("2013-05", "rows", too_many, {("air_time", "above-max", "quarantine")}),
        ("2013-09", "rows", key_missing, {("carrier", "missing", "quarantine")}),
        ("2013-05", "rows", hour_off_by_one, {("hour+minute+sched_dep_time", "relation", "quarantine")}),
        ("2013-09", "rows", one_row_further, {("*", "quarantine-share", "refuse")}),
    ],
)
def test_wrong_values_are_named(
    month: str, table: str, change: Change, expected: set[tuple[str, str, str]], named: Named
) -> None:
    """Each kind of wrong value is found in its column, under its name, at its level."""
    assert expected <= named(month, table, change)


def test_a_few_wrong_rows_do_not_refuse_the_batch(named: Named) -> None:
    """Wrong values in one row of four hundred put these rows into quarantine, and nothing else happens."""
    assert {level for *_, level in named("2013-07", "rows", too_many)} == {"quarantine"}
