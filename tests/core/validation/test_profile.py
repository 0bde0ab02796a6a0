"""Profiles: what they say of a table, and that they say it whatever the order of its rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import Rows, Schema, Table, parse_schema
from ratchet.core.validation.profile import BatchProfile, Numbers, TableProfile, Times, profile, profile_batch

START = datetime(2013, 7, 1, 4, tzinfo=UTC)
SCHEMA = parse_schema(
    {
        "rows": {
            "key": ["id", "t"],
            "time": "t",
            "period": {"every": "month", "zone": "America/New_York"},
            "columns": {
                "id": {"type": "integer"},
                "t": {"type": "timestamp"},
                "x": {"type": "number", "nullable": True},
                "s": {"type": "string", "nullable": True},
                "b": {"type": "boolean", "nullable": True},
            },
        }
    }
)
ROWS: Rows = SCHEMA.rows
TYPES = {"id": pl.Int64(), "t": pl.Datetime("us", "UTC"), "x": pl.Float64(), "s": pl.String(), "b": pl.Boolean()}


def frame(rows: int) -> pl.DataFrame:
    """A row an hour, of one thing."""
    return pl.DataFrame(
        {
            "id": [1] * rows,
            "t": [START + timedelta(hours=each) for each in range(rows)],
            "x": [each / 4 for each in range(rows)],
            "s": [f"s{each % 7}" for each in range(rows)],
            "b": [each % 3 == 0 for each in range(rows)],
        },
        schema=TYPES,
    )


def numbers(found: TableProfile, name: str) -> Numbers:
    described = found.columns[name].numbers
    assert described is not None
    return described


def test_numbers_are_described() -> None:
    """Quantiles are values that occur; shares are of the values that are there."""
    found = profile(
        frame(96).with_columns(pl.when(pl.col("x") < 2).then(None).otherwise(pl.col("x") - 3).alias("x")), ROWS
    )
    described = numbers(found, "x")
    assert found.columns["x"].missing == pytest.approx(8 / 96, abs=1e-6)
    assert (described.quantiles[0], described.quantiles[7], described.quantiles[-1]) == (-1.0, 10.0, 20.75)
    assert described.decimals == (0.25, 0.5, 1.0, 1.0)
    assert described.negative == pytest.approx(4 / 88, abs=1e-6)
    assert described.zero == pytest.approx(1 / 88, abs=1e-6)


def test_nan_is_missing_and_infinity_is_no_number() -> None:
    """A column of NaN has no values; what is infinite is counted as there, but has no quantile."""
    odd = frame(4).with_columns(x=pl.Series([float("nan"), float("inf"), 1.0, None]))
    found = profile(odd, ROWS)
    assert (found.columns["x"].missing, found.columns["x"].distinct) == (0.5, 2)
    assert set(numbers(found, "x").quantiles) == {1.0}


def test_hours_and_days_go_by_the_clock_of_the_zone() -> None:
    """04:00 UTC is midnight in New York, where the day starts."""
    found = profile(frame(48), ROWS)
    times = found.columns["t"].times
    assert times == Times(
        first="2013-07-01T00:00:00-04:00",
        last="2013-07-02T23:00:00-04:00",
        hours=(2,) * 24,
        midnight=round(2 / 48, 6),
    )
    assert [(day.day, day.rows) for day in found.days] == [("2013-07-01", 24), ("2013-07-02", 24)]
    assert [day.day for day in profile(frame(48), ROWS, zone="UTC").days] == ["2013-07-01", "2013-07-02", "2013-07-03"]


def test_days_with_the_same_content_have_the_same_digest() -> None:
    """Keys, time, and what is the same all day long do not count; any other value does."""
    day = frame(24).with_columns(pl.lit("2013-07-01").alias("s"))
    next_day = day.with_columns(
        pl.col("t") + timedelta(days=1), pl.lit("2013-07-02").alias("s"), id=pl.lit(2).cast(pl.Int64)
    )
    same = profile(pl.concat([day, next_day]), ROWS).days
    assert same[0].content == same[1].content != ""
    other = next_day.with_columns(pl.when(pl.col("x") == 3).then(3.25).otherwise(pl.col("x")).alias("x"))
    assert len({each.content for each in profile(pl.concat([day, other]), ROWS).days}) == 2


def test_days_with_few_different_rows_have_no_digest() -> None:
    """Nine rows may be alike by chance, and so may a hundred that only say yes or no."""
    assert [day.content for day in profile(frame(9), ROWS).days] == [""]
    yes_or_no = frame(24).with_columns(x=pl.lit(None).cast(pl.Float64), s=pl.lit("a"))
    assert [day.content for day in profile(yes_or_no, ROWS).days] == [""]


def test_runs_are_those_of_one_thing() -> None:
    """Two things that take turns with the same value in between do not make a run; missing values end one."""
    one = frame(60).with_columns(x=pl.Series([5.0] * 10 + [None] + [5.0] * 20 + [float(each) for each in range(29)]))
    other = frame(60).with_columns(id=pl.lit(2).cast(pl.Int64), x=pl.arange(0, 60).cast(pl.Float64))
    assert numbers(profile(pl.concat([one, other]), ROWS), "x").run == 20


VALUES = st.tuples(
    st.none() | st.integers(0, 2),
    st.datetimes(datetime(2013, 6, 30), datetime(2013, 7, 3), timezones=st.just(UTC)),
    st.none() | st.floats(),
    st.none() | st.text(max_size=4),
    st.none() | st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, max_size=60), st.randoms(use_true_random=False))
def test_any_table_has_a_profile_that_does_not_depend_on_its_order(values: list[object], random: Random) -> None:
    """Whatever is in a table, its profile is the same for its rows in another order, and reads back equal."""
    rows = pl.DataFrame(values, schema=TYPES, orient="row")
    places = list(range(rows.height))
    random.shuffle(places)
    found = profile_batch({"rows": rows}, SCHEMA)
    assert profile_batch({"rows": rows[places]}, SCHEMA) == found
    assert BatchProfile.model_validate_json(found.model_dump_json()) == found


def test_a_profile_stays_small() -> None:
    """A million different values take as many bytes as some hundred."""
    table: Table = ROWS
    wide = pl.DataFrame(
        {"id": pl.arange(0, 200_000, eager=True), "s": pl.arange(0, 200_000, eager=True).cast(pl.String)}
    )
    assert len(profile(wide, table).model_dump_json()) < 12_000


def test_undeclared_tables_and_columns_are_left_out() -> None:
    """A profile holds what the schema names, of what is there."""
    found = profile_batch({"rows": frame(3).with_columns(y=1).drop("b"), "odd": frame(3)}, SCHEMA)
    assert list(found.tables) == ["rows"]
    assert list(found.tables["rows"].columns) == ["id", "t", "x", "s"]
    assert "y" not in json.loads(found.model_dump_json())["tables"]["rows"]["columns"]


def test_schemas_without_time_have_profiles_too() -> None:
    """Without a time there are no days, no order and no runs."""
    bare: Schema = parse_schema({"rows": {"key": ["id"], "columns": {"id": {"type": "integer"}}}})
    found = profile(pl.DataFrame({"id": [1, 2, 3] * 20}), bare.rows)
    assert (found.days, numbers(found, "id").run) == ((), 0)
