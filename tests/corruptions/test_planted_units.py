"""Numbers that changed their meaning: units, decimal points, signs, precision, columns that changed places."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

Change = Callable[[pd.DataFrame], pd.DataFrame]
Named = Callable[[str, str, Change], set[tuple[str, str, str]]]

MILE, INCH = 1.609344, 25.4


def times(column: str, factor: float, places: int = 9) -> Change:
    return lambda table: table.assign(**{column: (table[column] * factor).round(places)})


def minutes_as_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(air_time=rows["air_time"] * 60)


def delays_as_seconds(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dep_delay=rows["dep_delay"] * 60)


def delays_as_hours(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(arr_delay=rows["arr_delay"] / 60)


def miles_as_whole_kilometres(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(distance=(rows["distance"] * MILE).round().astype("int64"))


def a_digit_too_many(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(distance=rows["distance"] * 10)


def celsius(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(temp=(weather["temp"] - 32) / 1.8)


def celsius_rounded(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(temp=((weather["temp"] - 32) / 1.8).round(1))


def sign_turned_round(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(dep_delay=-rows["dep_delay"])


def swapped(one: str, other: str) -> Change:
    return lambda table: table.assign(**{one: table[other], other: table[one]})


UNIT, DECIMAL = ("unit-change", "refuse"), ("decimal-shift", "refuse")


@pytest.mark.parametrize(
    ("month", "table", "change", "column", "expected"),
    [
        ("2013-04", "rows", minutes_as_seconds, "air_time", UNIT),
        ("2013-12", "rows", minutes_as_seconds, "air_time", UNIT),
        ("2013-07", "rows", delays_as_seconds, "dep_delay", UNIT),
        ("2013-12", "rows", delays_as_hours, "arr_delay", UNIT),
        ("2013-04", "rows", miles_as_whole_kilometres, "distance", UNIT),
        ("2013-07", "rows", a_digit_too_many, "distance", DECIMAL),
        ("2013-04", "weather", celsius, "temp", UNIT),
        ("2013-07", "weather", celsius, "temp", UNIT),
        ("2013-12", "weather", celsius_rounded, "temp", UNIT),
        ("2013-04", "weather", times("wind_speed", MILE), "wind_speed", UNIT),
        ("2013-12", "weather", times("wind_speed", MILE), "wind_speed", UNIT),
        ("2013-07", "weather", times("visib", MILE), "visib", UNIT),
        ("2013-12", "weather", times("precip", INCH), "precip", UNIT),
        ("2013-04", "weather", times("pressure", 0.02953), "pressure", UNIT),
        ("2013-07", "weather", times("humid", 0.01), "humid", UNIT),
    ],
)
def test_another_unit_is_named(
    month: str, table: str, change: Change, column: str, expected: tuple[str, str], named: Named
) -> None:
    """A column in another unit refuses the batch, in winter and in summer, and the finding says which column it is."""
    assert (column, *expected) in named(month, table, change)


def test_a_turned_sign_is_named(named: Named) -> None:
    """Delays with the sign turned round break their relation to the clock in most rows, so the batch is refused."""
    found = named("2013-07", "rows", sign_turned_round)
    assert ("dep_delay", "sign-flip", "refuse") in found
    assert ("*", "quarantine-share", "refuse") in found


@pytest.mark.parametrize(
    ("month", "table", "one", "other"),
    [
        ("2013-04", "rows", "origin", "dest"),
        ("2013-11", "rows", "origin", "dest"),
        ("2013-04", "rows", "sched_dep_time", "sched_arr_time"),
        ("2013-11", "rows", "distance", "sched_dep_time"),
        ("2013-04", "weather", "wind_dir", "wind_speed"),
        ("2013-11", "weather", "humid", "pressure"),
    ],
)
def test_swapped_columns_are_named(month: str, table: str, one: str, other: str, named: Named) -> None:
    """Two columns that changed places refuse the batch, and the finding names both."""
    found = named(month, table, swapped(one, other))
    assert {(f"{one}+{other}", "swapped-columns", "refuse"), (f"{other}+{one}", "swapped-columns", "refuse")} & found


def test_swapped_columns_that_look_alike_break_their_relation(named: Named) -> None:
    """Temperature and dew point are too much alike for history to tell; that one is below the other tells."""
    found = named("2013-04", "weather", swapped("temp", "dewp"))
    assert ("dewp+temp", "relation", "quarantine") in found
    assert ("*", "quarantine-share", "refuse") in found


def rounded(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(humid=weather["humid"].round())


def cut_off(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(humid=weather["humid"].clip(upper=80))


def zero_for_missing(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(visib=weather["visib"].where(weather.index % 10 != 0, 0.0))


def sensor_stuck(weather: pd.DataFrame) -> pd.DataFrame:
    stuck = (weather["origin"] == "JFK") & weather["day"].between(11, 13)
    return weather.assign(humid=weather["humid"].mask(stuck, 55.55))


def less_far(weather: pd.DataFrame) -> pd.DataFrame:
    return weather.assign(visib=weather["visib"] * 0.83)


@pytest.mark.parametrize(
    ("month", "change", "expected"),
    [
        ("2013-05", rounded, ("humid", "precision-loss", "warn")),
        ("2013-10", cut_off, ("humid", "clipped", "warn")),
        ("2013-05", zero_for_missing, ("visib", "default-value", "warn")),
        ("2013-10", sensor_stuck, ("humid", "stuck", "warn")),
        ("2013-05", less_far, ("visib", "drift", "warn")),
    ],
)
def test_what_only_looks_odd_is_a_warning(
    month: str, change: Change, expected: tuple[str, str, str], named: Named
) -> None:
    """Values that pile up, stand still or drift are named, and do not refuse the batch."""
    found = named(month, "weather", change)
    assert expected in found
    assert not any(level == "refuse" for *_, level in found)
