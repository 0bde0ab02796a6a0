"""What is known of a flight before its scheduled hour begins, and whether it lands late.

Each row's features depend on that row and on the lookups alone, never on other rows of the batch: what is computed
for one flight at serving time equals what was computed for it in training.
"""

from __future__ import annotations

import pandas as pd

LATE_AFTER = 15
"""Minutes after schedule from which an arrival counts as late, as the US Department of Transportation counts it."""

DAY_MINUTES = 24 * 60

WEATHER_KNOWN_AFTER = pd.Timedelta(hours=1)
"""An observation labelled 10:00 is taken between 10:00 and 10:59, so it is known only to flights of 11:00 and later."""

WIND_POSSIBLE = 250.0
"""Miles per hour; the highest surface wind ever measured is 253. The source holds one reading of 1048."""

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
PLANE = ["year", "seats", "engines", "manufacturer"]


def build(rows: pd.DataFrame, lookups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row of features per flight, with the index of `rows`.

    `rows` needs only the columns that are known before departure; `lookups` needs "weather" and "planes".
    Categories are strings, everything else is a number. Where a flight has no plane or no observation, its values
    are missing; what can be missing is float64 even where nothing is, so that types never depend on the rows at hand.
    Raises ValueError if a lookup holds a key twice.
    """
    schedule = pd.DataFrame(
        {
            "carrier": rows["carrier"],
            "origin": rows["origin"],
            "dest": rows["dest"],
            "dep_hour": rows["hour"],
            "dep_minute_of_day": _minute_of_day(rows["sched_dep_time"]),
            "day_of_week": pd.to_datetime(rows[["year", "month", "day"]]).dt.day_of_week,
            "distance": rows["distance"],
            "sched_minutes": _scheduled_minutes(rows),
        }
    )
    return pd.concat([schedule, _plane(rows, lookups["planes"]), _weather(rows, lookups["weather"])], axis="columns")


def label(rows: pd.DataFrame) -> pd.Series:
    """Whether each flight arrives late; NA where it never arrived as planned (cancelled or diverted)."""
    delay = rows["arr_delay"]
    return (delay > LATE_AFTER).astype("boolean").mask(delay.isna()).rename("late")


def _minute_of_day(clock: pd.Series) -> pd.Series:
    """Minutes since midnight of a clock time written as the number HHMM."""
    return clock // 100 * 60 + clock % 100


def _scheduled_minutes(rows: pd.DataFrame) -> pd.Series:
    """Scheduled minutes from local clock to local clock, so time zones crossed count; past midnight wraps around."""
    return (_minute_of_day(rows["sched_arr_time"]) - _minute_of_day(rows["sched_dep_time"])) % DAY_MINUTES


def _plane(rows: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    plane = _look_up(rows[["tailnum"]], planes[["tailnum", *PLANE]], name="planes")
    return pd.DataFrame(
        {
            "plane_age": (rows["year"] - plane["year"]).astype("float64"),
            "plane_seats": plane["seats"].astype("float64"),
            "plane_engines": plane["engines"].astype("float64"),
            "plane_manufacturer": plane["manufacturer"],
        }
    )


def _weather(rows: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The observation of the hour before the scheduled hour, at the origin."""
    hour_before = rows[["origin"]].assign(time_hour=rows["time_hour"] - WEATHER_KNOWN_AFTER)
    observed = _look_up(hour_before, weather[["origin", "time_hour", *WEATHER]], name="weather")[WEATHER]
    wind = observed["wind_speed"]
    return observed.assign(wind_speed=wind.where(wind <= WIND_POSSIBLE)).astype("float64")


def _look_up(keys: pd.DataFrame, table: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """The row of `table` for each row of `keys`, in their order and with their index; missing where there is none."""
    repeated = table[table.duplicated([*keys.columns])]
    if not repeated.empty:
        key = ", ".join(f"{column} {repeated[column].iloc[0]}" for column in keys.columns)
        raise ValueError(f"lookup {name} holds more than one row for {key} ({len(repeated)} rows too many)")
    return keys.merge(table, how="left", on=[*keys.columns]).set_axis(keys.index)
