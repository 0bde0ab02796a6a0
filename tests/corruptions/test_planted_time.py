"""Time that went wrong: clocks, days, ends and holes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.corruptions.conftest import Months

Change = Callable[[pd.DataFrame], pd.DataFrame]
Named = Callable[[str, str, Change], set[tuple[str, str, str]]]
DATE = ("year", "month", "day")


def local_as_utc(table: pd.DataFrame) -> pd.DataFrame:
    """The local clock was written down as if it were UTC: every instant is hours early."""
    clock = table["time_hour"].dt.tz_localize(None)
    return table.assign(time_hour=clock.dt.tz_localize("UTC"))


def three_hours_late(rows: pd.DataFrame) -> pd.DataFrame:
    """All columns that hold the time agree with one another, so that only history can tell."""
    late = rows["time_hour"] + pd.Timedelta(hours=3)
    parts = {name: getattr(late.dt, name).astype("int64") for name in (*DATE, "hour")}
    return rows.assign(time_hour=late, **parts, sched_dep_time=parts["hour"] * 100 + rows["minute"])


def dated(rows: pd.DataFrame, day: int) -> pd.DataFrame:
    """The same rows on another day of their month."""
    moved = rows["time_hour"] + pd.to_timedelta(day - rows["day"], unit="D")
    return rows.assign(time_hour=moved, day=day)


def a_day_twice(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table[table["day"] != 17], dated(table[table["day"] == 16], 17)], ignore_index=True)


def last_days_cut(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["day"] <= 24]


def last_day_cut(table: pd.DataFrame) -> pd.DataFrame:
    last = int(table["day"].max())
    return table[table["day"] < last]


def cut_within_the_last_day(rows: pd.DataFrame) -> pd.DataFrame:
    last = int(rows["day"].max())
    return rows[(rows["day"] < last) | (rows["hour"] < 10)]


def first_days_cut(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["day"] >= 5]


def a_hole(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["day"].isin([12, 13])]


def days_and_months_swapped(rows: pd.DataFrame) -> pd.DataFrame:
    """Every date whose day could be a month is read the other way round."""
    moment = rows["time_hour"].dt.tz_localize(None)
    text = moment.dt.strftime("%Y-%d-%m %H:%M").where(moment.dt.day <= 12, moment.dt.strftime("%Y-%m-%d %H:%M"))
    wrong = pd.to_datetime(text).dt.tz_localize("America/New_York", nonexistent="shift_forward", ambiguous=True)
    return rows.assign(time_hour=wrong, month=wrong.dt.month.astype("int64"), day=wrong.dt.day.astype("int64"))


def rows_of_the_epoch(rows: pd.DataFrame) -> pd.DataFrame:
    epoch = pd.Timestamp("1970-01-01", tz="America/New_York")
    return rows.assign(time_hour=rows["time_hour"].mask(rows.index % 500 == 0, epoch))


@pytest.mark.parametrize(
    ("month", "table", "change", "rule"),
    [
        ("2013-04", "rows", local_as_utc, "shifted-clock"),
        ("2013-07", "rows", three_hours_late, "shifted-clock"),
        ("2013-04", "rows", a_day_twice, "repeated-day"),
        ("2013-07", "rows", a_day_twice, "repeated-day"),
        ("2013-04", "weather", a_day_twice, "repeated-day"),
        ("2013-04", "rows", last_days_cut, "truncated"),
        ("2013-07", "weather", last_days_cut, "truncated"),
        ("2013-04", "rows", last_day_cut, "truncated"),
        ("2013-07", "rows", cut_within_the_last_day, "truncated"),
        ("2013-04", "rows", first_days_cut, "truncated"),
        ("2013-07", "rows", a_hole, "missing-days"),
        ("2013-04", "weather", a_hole, "missing-days"),
        ("2013-07", "rows", days_and_months_swapped, "swapped-dates"),
    ],
)
def test_wrong_time_refuses_the_batch(month: str, table: str, change: Change, rule: str, named: Named) -> None:
    """Clocks that are off, days that are there twice or not at all, and dates read wrongly are named as such."""
    assert ("time_hour", rule, "refuse") in named(month, table, change)


def test_a_shifted_clock_of_the_weather_contradicts_its_hour(named: Named) -> None:
    """Weather is observed at all hours, so the schema tells that its clock is off: instant and hour disagree."""
    found = named("2013-07", "weather", local_as_utc)
    assert ("time_hour+hour", "relation", "quarantine") in found
    assert ("*", "no-rows", "refuse") in found


def test_a_day_of_the_month_before_is_named(months: Months, named: Named) -> None:
    """A day whose rows are those of a day of an earlier batch refuses the batch."""
    june = months.table("2013-06", "rows")
    copy = june[june["day"] == 11].assign(month=7)
    copy = copy.assign(time_hour=copy["time_hour"] + pd.Timedelta(days=30))

    def from_june(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.concat([rows[rows["day"] != 11], copy], ignore_index=True)

    assert ("time_hour", "repeated-day", "refuse") in named("2013-07", "rows", from_june)


def test_rows_outside_of_the_month_are_quarantined(named: Named) -> None:
    """A few rows of 1970 are put aside one by one; the rest of the month stays."""
    found = named("2013-07", "rows", rows_of_the_epoch)
    assert ("time_hour", "outside-period", "quarantine") in found
    assert not any(level == "refuse" for *_, level in found)


def test_another_month_under_the_name_is_refused(months: Months) -> None:
    """June handed in as July has no row of July."""
    found = months.judge("2013-07", {"rows": months.table("2013-06", "rows")})
    assert ("time_hour", "outside-period") in {(each.column, each.rule) for each in found}
    assert any(each.level == "refuse" for each in found)


def test_rows_of_the_future_are_quarantined(months: Months) -> None:
    """What is later than the moment when the batch came cannot have been seen."""
    found = months.judge("2013-07", {}, until=datetime(2013, 7, 31, 20, tzinfo=UTC))
    assert ("time_hour", "future", "quarantine") in {(each.column, each.rule, each.level) for each in found}
