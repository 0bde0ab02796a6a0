"""What detectors say of small tables made up for it, and above all when they say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import Table, parse_schema
from ratchet.core.validation.anomalies import find_anomalies
from ratchet.core.validation.profile import profile

COLUMNS = {
    "id": {"type": "integer"},
    "t": {"type": "timestamp"},
    "x": {"type": "number", "nullable": True},
    "s": {"type": "string", "nullable": True},
}
DAILY = parse_schema({"rows": {"key": ["id"], "time": "t", "period": {"every": "day"}, "columns": COLUMNS}}).rows
MONTHLY = parse_schema({"rows": {"key": ["id"], "time": "t", "period": {"every": "month"}, "columns": COLUMNS}}).rows
TIMELESS = parse_schema({"rows": {"key": ["id"], "columns": {name: COLUMNS[name] for name in ("id", "x", "s")}}}).rows


def batch(
    number: int, *, rows: int = 300, mean: float = 10.0, words: str = "abc", days: Sequence[int] = range(30)
) -> pl.DataFrame:
    """Rows with ids of their own, spread over days of the month `number`."""
    random = np.random.default_rng(number)
    start = datetime(2013, number, 1, tzinfo=UTC)
    moments = [start + timedelta(days=days[each * len(days) // rows], minutes=each % 1440) for each in range(rows)]
    return pl.DataFrame(
        {
            "id": np.arange(rows) + 10_000 * number,
            "t": moments,
            "x": random.normal(mean, 2, rows).round(1),
            "s": [words[each % len(words)] for each in range(rows)],
        },
        schema_overrides={"t": pl.Datetime("us", "UTC")},
    )


def found_all(now: pl.DataFrame, before: Sequence[pl.DataFrame], table: Table = MONTHLY) -> list[str]:
    """The rule of each finding."""
    earlier = [profile(each, table) for each in before]
    return [each.rule for each in find_anomalies("rows", table, now, profile(now, table), earlier)]


def found(now: pl.DataFrame, before: Sequence[pl.DataFrame], table: Table = MONTHLY) -> set[tuple[str, str, str]]:
    """The (column, rule, level) of each finding."""
    earlier = [profile(each, table) for each in before]
    return {
        (each.column, each.rule, each.level)
        for each in find_anomalies("rows", table, now, profile(now, table), earlier)
    }


def test_the_first_batch_has_nothing_to_differ_from() -> None:
    """Without earlier batches only what a batch says of itself is found."""
    assert found(batch(1), []) == set()


@pytest.mark.parametrize("batches", [1, 2, 3, 6])
def test_batches_of_one_kind_pass(batches: int) -> None:
    """However few batches there are to compare with, another one of the kind passes without a word."""
    assert found(batch(9), [batch(number) for number in range(1, batches + 1)]) == set()


def test_a_first_batch_that_ends_early_is_found() -> None:
    """The period alone says which days there should be."""
    assert found(batch(1, days=range(20)), []) == {("t", "truncated", "refuse")}


def test_days_without_rows_are_no_gap_where_they_are_usual() -> None:
    """Where no batch has rows on weekends, a month that ends on one is whole."""
    whole = {1: 31, 2: 28, 3: 31}
    workdays = {
        month: [day for day in range(days) if datetime(2013, month, day + 1, tzinfo=UTC).weekday() < 5]
        for month, days in whole.items()
    }
    batches = [batch(number, days=days) for number, days in workdays.items()]
    assert found(batches[0], []) == set()
    assert found(batches[2], batches[:2]) == set()
    assert found(batch(3, days=workdays[3][:-3]), batches[:2]) == {("t", "truncated", "refuse")}


def test_few_rows_make_no_gap() -> None:
    """Twelve rows a month leave most days empty."""
    assert found(batch(2, rows=12), [batch(1, rows=12)]) == set()


def test_a_day_that_ends_early_is_found_by_its_hours() -> None:
    """Where each batch is a day, hours are what may be missing."""
    hours = [batch(number, rows=1440, days=[0]) for number in (1, 2)]
    assert found(hours[1], hours[:1], DAILY) == set()
    assert found(hours[1].filter(pl.col("t").dt.hour() < 17), hours[:1], DAILY) == {("t", "truncated", "refuse")}


def test_a_column_that_counts_on_is_no_unit_change() -> None:
    """Numbers that grow with every batch lie beyond all earlier ones, and that is how they are."""
    counting = [batch(number).with_columns(x=pl.col("id") - 10_000 * number + 300.0 * number) for number in range(1, 8)]
    for place in range(1, 7):
        assert not {rule for _, rule, _ in found(counting[place], counting[:place])} & {"unit-change", "decimal-shift"}


def test_a_symmetric_column_that_moves_to_the_other_side_has_kept_its_sign() -> None:
    """A mean that goes from 3 to -3 looks like a turned sign, and is none."""
    earlier = [batch(number, mean=3.0) for number in (1, 2, 3)]
    assert found(batch(4, mean=-3.0), earlier) == {("x", "drift", "warn")}


def test_numbers_in_a_unit_nobody_named_are_found_by_their_size() -> None:
    """Sixty times what it was is another unit, even where the schema names none."""
    assert found(batch(4).with_columns(pl.col("x") * 60), [batch(1)]) == {("x", "unit-change", "refuse")}


def test_one_value_that_was_common_anyway_is_not_constant() -> None:
    """A hundred rows may well all be the value that 99% of rows have had; not so if it was a third of them."""
    rare = [batch(number, words="a" * 99 + "b") for number in (1, 2)]
    assert found(batch(3, words="a"), rare) == set()
    assert ("s", "constant", "refuse") in found(batch(3, words="a"), [batch(1), batch(2)])


def test_keys_of_an_earlier_batch_are_found() -> None:
    """Where batches had no key in common, one that shares half of them is refused, and a tenth is a warning."""
    earlier = [batch(number, rows=1000) for number in (1, 2, 3)]
    half = batch(4, rows=1000).with_columns(
        id=pl.when(pl.col("id") % 10 < 7).then(earlier[1]["id"]).otherwise(pl.col("id"))
    )
    tenth = batch(4, rows=1000).with_columns(
        id=pl.when(pl.col("id") % 10 < 1).then(earlier[1]["id"]).otherwise(pl.col("id"))
    )
    assert ("id", "repeated-keys", "refuse") in found(half, earlier)
    assert ("id", "repeated-keys", "warn") in found(tenth, earlier)


def test_keys_may_repeat_where_they_always_do() -> None:
    """A table that names the same things in every batch has their keys in every batch."""
    same = [batch(number).with_columns(id=pl.arange(0, 300)) for number in (1, 2, 3, 4)]
    assert not {rule for _, rule, _ in found(same[3], same[:3], TIMELESS)} & {"repeated-keys"}


def test_days_may_repeat_where_they_always_do() -> None:
    """Days that were alike in earlier batches may be alike now."""

    def alike(number: int) -> pl.DataFrame:
        day = batch(number, rows=40, days=[0]).with_columns(x=pl.arange(0, 40).cast(pl.Float64))
        return pl.concat(
            [day.with_columns(pl.col("t") + timedelta(days=each), pl.col("id") + 100 * each) for each in range(5)]
        )

    assert not {rule for _, rule, _ in found(alike(2), [alike(1)])} & {"repeated-day"}


def test_missing_values_jump() -> None:
    """Values missing in some more rows are a warning; a column that loses most of them is refused."""
    earlier = [batch(number) for number in (1, 2, 3)]
    some = batch(4).with_columns(pl.when(pl.col("id") % 4 > 0).then("x").alias("x"))
    most = batch(4).with_columns(pl.when(pl.col("id") % 4 == 0).then("x").alias("x"))
    assert found(some, earlier) == {("x", "missing-jump", "warn")}
    assert found(most, earlier) == {("x", "missing-jump", "refuse")}


def test_one_finding_for_each_column_is_enough() -> None:
    """A column in another unit has drifted too, and nobody needs to be told."""
    earlier = [batch(number) for number in (1, 2, 3)]
    assert found(batch(4).with_columns(pl.col("x") * 1000), earlier) == {("x", "unit-change", "refuse")}


def test_sentences_hold_the_numbers() -> None:
    """A person can tell from a sentence what was found and with what it was compared."""
    earlier = [profile(batch(number), MONTHLY) for number in (1, 2)]
    wrong = batch(3, days=range(20)).with_columns(pl.col("x") * 60)
    sentences = [each.sentence for each in find_anomalies("rows", MONTHLY, wrong, profile(wrong, MONTHLY), earlier)]
    assert sentences == [
        "ends early: its last day with rows is 2013-03-20, which leaves 11 days of the period without rows; "
        "there was no gap in the 2 batches before it",
        "looks like 60 times itself, as s for min: its median is 606, it was 9.85 in the 2 batches before it; "
        "100% of rows lie differently from the nearest of them, 6% after taking it back",
    ]


SMALL = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.integers(-(2**62), 2**62),
        st.none() | st.floats(),
        st.none() | st.text(max_size=3),
    ),
    max_size=8,
)
TYPES = {"id": pl.Int64(), "t": pl.Int64(), "x": pl.Float64(), "s": pl.String()}


@settings(max_examples=40, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=4), st.integers(1, 40), st.sampled_from([DAILY, MONTHLY, TIMELESS]))
def test_no_table_breaks_a_detector(values: list[list[object]], copies: int, table: Table) -> None:
    """Whatever tables hold, now and before, detectors find something or nothing, and end."""
    frames = [pl.DataFrame(each * copies, schema=TYPES, orient="row") for each in values]
    frames = [each.with_columns(pl.col("t").cast(pl.Datetime("us", "UTC"))) for each in frames]
    for name, rule, level in found(frames[0], frames[1:], table):
        assert (bool(name), bool(rule), level in ("refuse", "warn")) == (True, True, True)


def test_numbers_that_only_name_things_have_no_unit() -> None:
    """Ids that count on in steps of their own, in the key or beside it, are in no unit and have no decimal point."""

    def ids(number: int, first: int) -> pl.DataFrame:
        counted = pl.Series(range(first, first + 300))
        return batch(number).with_columns(id=counted, x=counted.cast(pl.Float64) * 7)

    for times in (10, 60, 1000):
        assert found(ids(3, 1000 * times), [ids(1, 1000), ids(2, 1010)]) <= {("x", "drift", "warn")}


def test_a_quantity_that_never_repeats_still_has_a_unit() -> None:
    """Each of these lengths is there once, and as meters they are whole numbers: the schema says what they are."""
    columns = {"id": {"type": "integer"}, "x": {"type": "number", "unit": "kilometres"}}
    table = Table.model_validate({"key": ["id"], "columns": columns})
    lengths = [pl.DataFrame({"id": range(1000), "x": np.random.default_rng(seed).permutation(1000) + 1.0})
               for seed in (1, 2)]  # fmt: skip
    assert found(lengths[1].with_columns(pl.col("x") * 1000), lengths[:1], table) == {("x", "unit-change", "refuse")}


def test_a_unit_that_nobody_knows_is_not_taken_for_another() -> None:
    """Sixty times as many clicks are no minutes."""
    columns = {"id": {"type": "integer"}, "x": {"type": "number", "unit": "clicks"}}
    table = Table.model_validate({"key": ["id"], "columns": columns})
    assert "unit-change" not in found_all(batch(4).with_columns(pl.col("x") * 60), [batch(1)], table)


def test_a_file_that_was_cut_is_said_to_be_so_once() -> None:
    """It ends early, and in the middle of a day."""
    whole = batch(1, rows=3000)
    cut = whole.sort("t").head(1520)
    assert [each for each in found_all(cut, [batch(2, rows=3000)]) if each == "truncated"] == ["truncated"]


def test_a_few_rows_in_a_period_are_no_file_that_was_cut() -> None:
    """A month may hold one row, and all rows may have one day, as in a snapshot: others were not to be expected."""
    assert found(batch(1, rows=1, days=[24]), []) == set()
    assert found(batch(2, rows=1, days=[5]), [batch(1, rows=1, days=[24])]) == set()
    assert found(batch(1, days=[30]), []) == set()
    assert ("t", "truncated", "refuse") in found(batch(2, days=[0]), [batch(1), batch(3)])


def test_a_holiday_at_the_end_is_not_a_file_that_was_cut() -> None:
    """Both have few rows on the last day; on a holiday some of them are late in the day."""
    whole = batch(1, rows=30 * 144, days=range(30)).with_columns(
        t=pl.col("t").dt.truncate("1d") + pl.duration(minutes=10 * (pl.int_range(pl.len()) % 144))
    )
    last = pl.col("t").dt.day() == 30
    holiday = whole.filter(~last | (pl.int_range(pl.len()) % 5 == 0))
    cut = whole.filter(~last | (pl.col("t").dt.hour() < 5))
    earlier = [batch(3, rows=30 * 144)]
    days = {level for column, rule, level in found(whole, earlier) if rule == "truncated"}
    assert (
        days,
        *({level for _, rule, level in found(each, earlier) if rule == "truncated"} for each in (holiday, cut)),
    ) == (
        set(),
        {"warn"},
        {"refuse"},
    )


@pytest.mark.parametrize(("rows", "level"), [(29, "refuse"), (100, "warn"), (151, None), (599, None), (700, "warn")])
def test_a_number_of_rows_like_none_before(rows: int, level: str | None) -> None:
    """Half of the fewest so far and twice the most are usual; a tenth is next to nothing."""
    whole = [batch(number) for number in (1, 2, 3)]
    few = batch(4, rows=rows)
    assert ("*", "row-count", level) in found(few, whole) or level is None
    assert level or "row-count" not in found_all(few, whole)


def test_nobody_knows_how_many_rows_there_are_where_that_varies() -> None:
    """Of two earlier batches one has three times the rows of the other; or there is one alone."""
    assert "row-count" not in found_all(batch(4, rows=30), [batch(1), batch(2, rows=900)])
    assert "row-count" not in found_all(batch(4, rows=30), [batch(1)])


def test_rows_that_came_late_are_no_sample() -> None:
    """They are of one kind and of some days, and may name things again: a warning, where a whole batch is refused."""
    earlier = [batch(1), batch(2)]
    late = earlier[1].filter(pl.col("t").dt.day() > 25).with_columns(s=pl.lit("z"))

    def levels(*, part: bool) -> dict[str, str]:
        return {
            each.rule: each.level
            for each in find_anomalies(
                "rows", MONTHLY, late, profile(late, MONTHLY), [profile(each, MONTHLY) for each in earlier], part=part
            )
        }

    strict = {"truncated": "refuse", "repeated-keys": "refuse", "constant": "refuse"}
    assert {rule: level for rule, level in levels(part=False).items() if rule in strict} == strict
    assert {rule: level for rule, level in levels(part=True).items() if level == "warn"} == {
        "repeated-keys": "warn",
        "constant": "warn",
    }


def test_moments_that_have_got_a_time_zone_are_by_another_clock() -> None:
    """In either direction; where there were both kinds, nothing is known."""
    aware, naive = ([batch(number).with_columns(pl.col("t").dt.replace_time_zone(zone)) for number in (1, 2)]
                    for zone in ("UTC", None))  # fmt: skip
    assert found(naive[1], aware[:1]) == found(aware[1], naive[:1]) == {("t", "zone-change", "refuse")}
    assert found(batch(3), [aware[0], naive[1]]) == set()


def test_one_value_that_nobody_has_seen_needs_few_rows_to_be_constant() -> None:
    """Zero minutes in each of 15 rows; a value that was there before may well be there 15 times."""
    earlier = [batch(number, rows=15) for number in (1, 2)]
    for value, expected in ((0.0, {("x", "constant", "refuse")}), (earlier[0]["x"][0], set())):
        assert found(batch(4, rows=15).with_columns(x=pl.lit(value)), earlier) == expected
