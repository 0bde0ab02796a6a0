"""Features see what was known before departure, row by row, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from flights.features import LATE_AFTER, WEATHER, build, label
from ratchet.core.schema import Schema

Tables = dict[str, pd.DataFrame]

PLANE_FEATURES = ["plane_age", "plane_seats", "plane_engines", "plane_manufacturer"]
HOUR = pd.Timedelta(hours=1)

minutes = st.one_of(st.none(), st.integers(-180, 2000))


def flight(july: pd.DataFrame, **changes: Any) -> pd.DataFrame:
    """One flight of July with some values changed."""
    return july.iloc[[0]].assign(**changes)


@given(seed=st.integers(0, 2**32 - 1), planted=minutes)
@settings(max_examples=25, deadline=None)
def test_outcomes_reach_no_feature(
    seed: int, planted: int | None, july: pd.DataFrame, lookups: Tables, schema: Schema
) -> None:
    """Shuffled and overwritten outcomes, left in the rows, change no feature; nor does their absence."""
    outcomes = [name for name, column in schema.rows.columns.items() if column.known == "after"]
    order = np.random.default_rng(seed).permutation(len(july))
    scrambled = july.assign(**{name: july[name].to_numpy()[order] for name in outcomes[1:]}, **{outcomes[0]: planted})
    expected = build(july[schema.known_before()], lookups)
    assert_frame_equal(build(scrambled, lookups), expected)


def test_outcomes_are_all_declared(batches: dict[str, Tables], schema: Schema) -> None:
    """What a cancelled flight never has is exactly what the schema calls an outcome."""
    rows = pd.concat([tables["rows"] for tables in batches.values()])
    cancelled = rows[rows["dep_time"].isna()]
    never = [name for name in rows.columns if cancelled[name].isna().all()]
    assert never == [name for name, column in schema.rows.columns.items() if column.known == "after"]


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_flight_has_the_same_features_in_any_company(
    data: st.DataObject, july: pd.DataFrame, lookups: Tables
) -> None:
    """Any choice of flights, in any order, repeated or alone, gives each the features it has among all."""
    chosen = data.draw(st.lists(st.integers(0, len(july) - 1), min_size=1, max_size=20))
    assert_frame_equal(build(july.iloc[chosen], lookups), build(july, lookups).iloc[chosen])


def test_no_flights_give_no_features(july: pd.DataFrame, lookups: Tables) -> None:
    """An empty table of rows gives an empty table with the usual columns and types."""
    assert_frame_equal(build(july.iloc[:0], lookups), build(july, lookups).iloc[:0])


def test_weather_of_the_scheduled_hour_and_later_reaches_no_feature(july: pd.DataFrame, lookups: Tables) -> None:
    """A storm planted at or after the scheduled hour changes nothing for that flight."""
    expected = build(july, lookups)
    for position in range(0, len(july), 10):
        row = july.iloc[[position]]
        weather = lookups["weather"]
        later = weather["time_hour"] >= row["time_hour"].iloc[0]
        planted = weather.assign(**{name: weather[name].mask(later, 0.5) for name in WEATHER})
        assert_frame_equal(build(row, {**lookups, "weather": planted}), expected.iloc[[position]])


def test_weather_is_that_of_the_hour_before_at_the_origin(july: pd.DataFrame, lookups: Tables) -> None:
    """Each weather feature is the value that one observation holds, found here without a join."""
    weather = lookups["weather"]
    found = build(july, lookups)
    for label_, row in july.iloc[:40].iterrows():
        at = (weather["origin"] == row["origin"]) & (weather["time_hour"] == row["time_hour"] - HOUR)
        expected = weather.loc[at, WEATHER].astype("float64").to_numpy()
        np.testing.assert_array_equal(found.loc[[label_], WEATHER].to_numpy(), expected)


def test_hardly_a_flight_misses_its_weather(batches: dict[str, Tables], lookups: Tables) -> None:
    """The hour before lies in the same month for every flight; gaps come from the source, the last day of the year."""
    for name, tables in batches.items():
        features = build(tables["rows"], {**lookups, "weather": tables["weather"]})
        first_hour = tables["rows"]["time_hour"].min() - HOUR
        assert first_hour.strftime("%Y-%m") == name
        assert features["visib"].isna().mean() < (0.04 if name == "2013-12" else 0.01)


def test_an_impossible_wind_is_missing(batches: dict[str, Tables], lookups: Tables) -> None:
    """The source's one reading of 1048 miles per hour never reaches the model; the reading itself stays in the data."""
    weather = batches["2013-02"]["weather"]
    broken = weather[weather["wind_speed"] > 1000]
    flights = (
        batches["2013-02"]["rows"]
        .iloc[[0]]
        .assign(origin=broken["origin"].to_numpy(), time_hour=(broken["time_hour"] + HOUR).array)
    )
    found = build(flights, {**lookups, "weather": weather})
    assert found["wind_speed"].isna().tolist() == [True]
    assert found["temp"].tolist() == broken["temp"].tolist()


@pytest.mark.parametrize("tailnum", ["N0NE", None])
def test_an_unknown_plane_leaves_its_features_missing(july: pd.DataFrame, lookups: Tables, tailnum: str | None) -> None:
    """A tail number that nobody knows, or none at all, keeps the flight and empties the plane's features alone."""
    found = build(flight(july, tailnum=pd.array([tailnum], dtype="str")), lookups)
    assert found[PLANE_FEATURES].isna().all(axis=None)
    assert_frame_equal(found.drop(columns=PLANE_FEATURES), build(july, lookups).iloc[[0]].drop(columns=PLANE_FEATURES))


@pytest.mark.parametrize(("table", "key"), [("weather", "origin"), ("planes", "tailnum")])
def test_a_lookup_with_a_key_twice_is_refused(july: pd.DataFrame, lookups: Tables, table: str, key: str) -> None:
    """A join that would multiply rows says which lookup and which key, instead."""
    twice = pd.concat([lookups[table], lookups[table].iloc[[5]]])
    value = lookups[table][key].iloc[5]
    with pytest.raises(ValueError, match=rf"lookup {table} holds more than one row for {key} {value}.*1 rows too many"):
        build(july, {**lookups, table: twice})


@pytest.mark.parametrize(
    ("departure", "arrival", "expected"),
    [(515, 819, 184), (2359, 344, 225), (2350, 0, 10), (1200, 1306, 66), (0, 2359, 1439)],
)
def test_scheduled_minutes_wrap_around_midnight(
    july: pd.DataFrame, lookups: Tables, departure: int, arrival: int, expected: int
) -> None:
    """From local clock to local clock, forwards, also past midnight."""
    found = build(flight(july, sched_dep_time=departure, sched_arr_time=arrival), lookups)
    assert found["sched_minutes"].tolist() == [expected]


def test_calendar_is_that_of_the_airport(july: pd.DataFrame, lookups: Tables) -> None:
    """4 July 2013 was a Thursday; 21:29 on the clock is minute 1289 of the day."""
    found = build(flight(july, year=2013, month=7, day=4, sched_dep_time=2129, hour=21), lookups)
    assert found[["day_of_week", "dep_minute_of_day", "dep_hour"]].to_numpy().tolist() == [[3, 1289, 21]]


@pytest.mark.parametrize(
    ("delay", "expected"), [(LATE_AFTER, False), (LATE_AFTER + 1, True), (-30, False), (float("nan"), None)]
)
def test_late_is_more_than_fifteen_minutes(july: pd.DataFrame, delay: float, expected: bool | None) -> None:
    """Fifteen minutes are not late, sixteen are; a flight that never arrived is neither."""
    found = label(flight(july, arr_delay=delay))
    wanted = pd.Series([expected], index=july.index[:1], dtype="boolean", name="late")
    assert_series_equal(found, wanted)


def test_flights_that_never_arrived_have_no_label(batches: dict[str, Tables]) -> None:
    """All over the year, the label is missing exactly where the arrival delay is."""
    for tables in batches.values():
        assert label(tables["rows"]).isna().equals(tables["rows"]["arr_delay"].isna())
