"""Raw tables become typed ones, or reasons why not: nothing is guessed, nothing is dropped."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.conform import conform
from ratchet.core.schema import Column, ColumnType, Table
from ratchet.core.validation.records import EXAMPLES, Finding


def table(**columns: ColumnType) -> Table:
    return Table(key=[next(iter(columns))], columns={name: Column(type=kind) for name, kind in columns.items()})


def one(values: list[Any] | pa.Array, kind: ColumnType) -> pa.ChunkedArray:
    """A single column, conformed without a violation."""
    typed, violations = conform(pa.table({"x": values}), table(x=kind), name="rows")
    assert violations == ()
    return typed.column("x")


def refused(values: list[Any] | pa.Array, kind: ColumnType) -> Finding:
    """The one violation of a single column."""
    _, (violation,) = conform(pa.table({"x": values}), table(x=kind), name="rows")
    assert (violation.table, violation.column) == ("rows", "x")
    return violation


def found(table: str, column: str, rule: str, sentence: str, count: int) -> Finding:
    """A finding that refuses the batch."""
    return Finding(table=table, column=column, rule=rule, level="refuse", sentence=sentence, count=count)


NATIVE: dict[ColumnType, st.SearchStrategy[Any]] = {
    "string": st.text(st.characters(codec="utf-8"), max_size=5),
    "integer": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False, width=64),
    "boolean": st.booleans(),
    "timestamp": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
}
PLAIN: dict[ColumnType, pa.DataType] = {
    "string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip


@st.composite
def typed_columns(draw: st.DrawFn) -> tuple[ColumnType, pa.Array]:
    """A column type and values of it in one of the Arrow types that may hold it."""
    kind = draw(st.sampled_from(sorted(NATIVE)))
    values = draw(st.lists(st.none() | NATIVE[kind], min_size=1, max_size=8))
    array = pa.array(values, PLAIN[kind])
    wider = {
        "string": [pa.large_string(), pa.dictionary(pa.int32(), pa.string())],
        "timestamp": [pa.timestamp("ns"), pa.timestamp("ns", "UTC"), pa.timestamp("us", "America/New_York")],
    }
    return kind, array.cast(draw(st.sampled_from([PLAIN[kind], *wider.get(kind, [])])))


@settings(deadline=None)
@given(typed_columns())
def test_conforming_twice_is_conforming_once(drawn: tuple[ColumnType, pa.Array]) -> None:
    """A conformed table conforms to itself."""
    kind, values = drawn
    once, violations = conform(pa.table({"x": values}), table(x=kind), name="rows")
    assert violations == ()
    again, violations = conform(once, table(x=kind), name="rows")
    assert (again.schema, again.equals(once), violations) == (once.schema, True, ())


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_as_text_are_the_same_numbers(values: list[float | None]) -> None:
    """What Python writes for a number is read back exactly; a blank is missing."""
    texts = pa.array(["" if value is None else repr(value) for value in values])
    assert one(texts, "number").to_pylist() == values


def test_columns_come_out_in_the_order_of_the_schema() -> None:
    """The order of the raw file does not matter."""
    typed, violations = conform(pa.table({"b": ["x"], "a": [1]}), table(a="integer", b="string"), name="rows")
    assert (typed.column_names, typed.schema.types, violations) == (["a", "b"], [pa.int64(), pa.string()], ())


def test_a_missing_column_is_named() -> None:
    """The violation names the column and counts every row."""
    _, violations = conform(pa.table({"a": [1, 2]}), table(a="integer", b="string"), name="rows")
    assert violations == (found("rows", "b", "missing-column", "required column is missing", 2),)


def test_a_column_nobody_declared_is_named() -> None:
    """Nothing is dropped in silence."""
    _, violations = conform(pa.table({"a": [1, 2], "z": [1, 2]}), table(a="integer"), name="weather")
    assert violations == (found("weather", "z", "unknown-column", "column is not in schema.yaml", 2),)


def test_an_empty_table_is_a_violation() -> None:
    """A batch without rows is a mistake somewhere else."""
    _, violations = conform(pa.table({"a": pa.array([], pa.int64())}), table(a="integer"), name="rows")
    assert violations == (found("rows", "*", "no-rows", "has no rows", 0),)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """A missing, an undeclared and a mistyped column are three violations of one call."""
    raw = pa.table({"a": ["x"], "z": [1]})
    _, violations = conform(raw, table(a="integer", b="string"), name="rows")
    assert sorted((violation.column, violation.sentence) for violation in violations) == [
        ("a", "is not of type integer"),
        ("b", "required column is missing"),
        ("z", "column is not in schema.yaml"),
    ]


@pytest.mark.parametrize(
    ("values", "kind", "count", "examples"),
    [
        (["1", "two", "3"], "integer", 1, ("'two'",)),
        (["1.5", "2"], "integer", 1, ("'1.5'",)),
        ([1.5, 2.0], "integer", 1, ("1.5",)),
        (["1", "x", "x", "y"], "number", 3, ("'x'", "'y'")),
        (["yes", "true"], "boolean", 1, ("'yes'",)),
        ([0, 1], "boolean", 2, ("0", "1")),
        ([1, 2], "string", 2, ("1", "2")),
        ([True, False], "integer", 2, ("True", "False")),
        ([True], "number", 1, ("True",)),
        (["2013-13-01"], "timestamp", 1, ("'2013-13-01'",)),
        ([20130704], "timestamp", 1, ("20130704",)),
        ([datetime(2013, 7, 4)], "integer", 1, ("datetime.datetime(2013, 7, 4, 0, 0)",)),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_counted_and_shown(
    values: list[Any], kind: ColumnType, count: int, examples: tuple[str, ...]
) -> None:
    """The violation counts the rows that do not fit, and shows them as they are."""
    expected = found("rows", "x", "wrong-type", f"is not of type {kind}", count).model_copy(
        update={"examples": examples}
    )
    assert refused(values, kind) == expected


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 500))
def test_examples_are_bounded_however_large_the_data(rows: int) -> None:
    """The count is of all rows, the examples are a few."""
    violation = refused([f"bad {row}" for row in range(rows)], "integer")
    assert (violation.count, len(violation.examples)) == (rows, min(rows, EXAMPLES))


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_a_column_without_any_value_has_its_type(kind: ColumnType) -> None:
    """A column that is missing in every row is a column of its type all the same."""
    found = one(pa.nulls(2), kind)
    assert (found.type, found.to_pylist()) == (PLAIN[kind], [None, None])


@pytest.mark.parametrize(
    "values",
    [
        ["2013-07-04T09:00:00Z", "2013-07-04T05:00:00-04:00"],
        ["2013-07-04 09:00:00+00:00", None, "2013-07-04 09:00:00+0000", ""],
        pa.array([datetime(2013, 7, 4, 9)], pa.timestamp("s", "America/New_York")),
    ],
    ids=["text", "text with blanks", "Parquet"],
)
def test_moments_with_a_zone_become_utc(values: list[str] | pa.Array) -> None:
    """The same instant is the same value, in whichever zone it was written."""
    found = one(values, "timestamp")
    assert found.type == pa.timestamp("us", "UTC")
    assert {moment.isoformat() for moment in found.drop_null().to_pylist()} == {"2013-07-04T09:00:00+00:00"}


@pytest.mark.parametrize(
    "values",
    [["2013-07-04T09:00:00"], ["2013-07-04 09:00"], [datetime(2013, 7, 4, 9)]],
    ids=["ISO", "minutes", "Parquet"],
)
def test_moments_without_a_zone_stay_as_they_are(values: list[Any]) -> None:
    """No zone is made up."""
    found = one(values, "timestamp")
    assert (found.type, found.to_pylist()) == (pa.timestamp("us"), [datetime(2013, 7, 4, 9)])


def test_a_date_is_its_midnight() -> None:
    """CSV readers see dates where all times are midnight."""
    assert one([date(2013, 7, 4)], "timestamp").to_pylist() == [datetime(2013, 7, 4)]


def test_moments_with_and_without_a_zone_do_not_mix() -> None:
    """Half of a column cannot be placed in time, so none of it is used."""
    violation = refused(["2013-07-04T09:00:00Z", "2013-07-04T09:00:00"], "timestamp")
    assert (violation.rule, violation.count) == ("wrong-type", 2)
    assert violation.sentence.endswith(": some moments have a time zone, and some have none")


def test_a_number_that_is_none_is_missing() -> None:
    """NaN says that there is no value, as pandas means it: later stages see one kind of missing value."""
    assert one([1.5, float("nan"), None], "number").to_pylist() == [1.5, None, None]


def test_a_column_that_is_there_twice_is_named() -> None:
    """Nobody can say which of the two is meant."""
    raw = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    _, violations = conform(raw, table(a="integer"), name="rows")
    assert [(each.column, each.rule) for each in violations] == [("a", "repeated-column")]


def test_large_integers_may_be_numbers() -> None:
    """An integer column that is declared a number becomes one, also beyond 2**53."""
    assert one([2**53 + 1, 1], "number").to_pylist() == [float(2**53 + 1), 1.0]


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "timestamp"])
@pytest.mark.parametrize(
    "values", [pa.array([[1], [2, 3], None]), pa.array([{"a": 1}, None])], ids=["lists", "structs"]
)
def test_lists_and_records_are_no_values(values: pa.Array, kind: ColumnType) -> None:
    """A column of lists or of records is refused and named, whatever was declared."""
    finding = refused(values, kind)
    assert (finding.rule, finding.count, str(values.type) in finding.sentence) == ("wrong-type", len(values), True)
