"""Rows against the rules of their schema: what is found, what goes into quarantine, what stays."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import ROWS, Column, Rows, Schema
from ratchet.core.validation.batch import Validation, validate_batch
from ratchet.core.validation.records import EXAMPLES, Finding

COLUMNS = {
    "id": Column(type="integer"),
    "temp": Column(type="number", unit="°C", min=-50, max=50, nullable=True),
    "carrier": Column(type="string", values=["AA", "UA"]),
}
TABLE = Rows(key=["id"], columns=COLUMNS, quarantine=1)
FRAME = {"id": [1, 2, 3, 4], "temp": [-50.0, 0.0, None, 50.0], "carrier": ["AA", "UA", "UA", "AA"]}
TYPES = {"id": pl.Int64, "temp": pl.Float64, "carrier": pl.String}


def checked(table: Rows, frame: pl.DataFrame) -> Validation:
    """What validation says of one table by itself."""
    return validate_batch("b", {ROWS: frame}, Schema(rows=table), before={}, released=())


def rows(**changed: list[Any]) -> pl.DataFrame:
    """Four rows without a fault, but for the columns that are given."""
    return pl.DataFrame(FRAME | changed, schema=TYPES)


def found(column: str, rule: str, sentence: str, count: int, *examples: str) -> Finding:
    """A finding that quarantines rows."""
    return Finding(table="rows", column=column, rule=rule, level="quarantine", sentence=sentence, count=count,
                   examples=examples)  # fmt: skip


def test_rows_that_keep_the_rules_have_no_findings() -> None:
    """The ends of a range belong to it, and what is nullable may be missing."""
    validation = checked(TABLE, rows())
    assert (validation.report.findings, validation.quarantined) == ((), {})


@pytest.mark.parametrize(
    ("changed", "finding", "positions"),
    [
        (
            {"temp": [-51.0, -60.0, 0.0, 0.0]},
            found("temp", "below-min", "is below -50 °C", 2, "-51.0", "-60.0"),
            [0, 1],
        ),
        ({"temp": [1000.0, 0.0, 0.0, 0.0]}, found("temp", "above-max", "is above 50 °C", 1, "1000.0"), [0]),
        (
            {"carrier": ["AA", "XX", "XX", "aa"]},
            found("carrier", "not-in-values", "is none of AA, UA", 3, "XX", "aa"),
            [1, 2, 3],
        ),
        ({"carrier": ["AA", None, "UA", None]}, found("carrier", "missing", "is missing", 2), [1, 3]),
        ({"id": [1, 1, 3, 4]}, found("id", "key-not-unique", "key is not unique", 2, "1"), [0, 1]),
    ],
    ids=["below", "above", "values", "missing", "key"],
)
def test_a_broken_rule_is_named_counted_and_shown(
    changed: dict[str, list[Any]], finding: Finding, positions: list[int]
) -> None:
    """Each kind of finding names the column, the rule, how many rows, and a few values; its rows leave."""
    validation = checked(TABLE, rows(**changed))
    assert validation.report.findings == (finding,)
    out = validation.quarantined["rows"]
    assert out["_row"].to_list() == positions
    assert out["_rules"].to_list() == [[f"{finding.column}: {finding.rule}"]] * len(positions)
    assert out.select(list(FRAME)).equals(rows(**changed)[positions])


def test_an_infinite_number_leaves() -> None:
    """No limit is set, and still no estimator can learn from infinity."""
    loose = Rows(key=["id"], columns={"id": COLUMNS["id"], "x": Column(type="number", level="warn")}, quarantine=1)
    validation = checked(loose, pl.DataFrame({"id": [1, 2, 3], "x": [1.0, float("inf"), float("-inf")]}))
    assert [(each.rule, each.level, each.examples) for each in validation.report.findings] == [
        ("infinite", "quarantine", ("inf", "-inf"))
    ]


def test_a_key_is_never_missing() -> None:
    """Even where the schema calls a key column nullable, a row without it cannot be told from another."""
    loose = Rows(key=["id"], columns={"id": Column(type="number", nullable=True)}, quarantine=1)
    validation = checked(loose, pl.DataFrame({"id": [1.0, None, None]}))
    assert [(each.column, each.rule, each.count) for each in validation.report.findings] == [("id", "missing", 2)]


def test_a_key_of_several_columns_is_unique_together() -> None:
    """Rows may share a part of the key, not the whole."""
    columns = {"id": Column(type="integer"), "day": Column(type="string"), "x": Column(type="integer")}
    both = Rows(key=["id", "day"], columns=columns, quarantine=1)
    frame = pl.DataFrame({"id": [1, 1, 2, 2], "day": ["a", "b", "a", "a"], "x": [0, 0, 0, 1]})
    (finding,) = checked(both, frame).report.findings
    assert (finding.column, finding.rule, finding.count, finding.examples) == (
        "id+day", "key-not-unique", 2, ("id=2 day=a",)
    )  # fmt: skip


def test_of_whole_copies_the_first_stays_and_contradictions_leave() -> None:
    """A row delivered twice is one row; two rows that say different things of one key say nothing."""
    columns = {"id": Column(type="integer"), "x": Column(type="number", nullable=True)}
    table = Rows(key=["id"], columns=columns, quarantine=1)
    frame = pl.DataFrame({"id": [1, 2, 1, 3, 2, 1, 4], "x": [5.0, None, 5.0, 7.0, None, 5.0, 8.0]})
    more = pl.concat([frame, pl.DataFrame({"id": [3, 4, 4], "x": [7.5, 8.0, 9.0]})])
    validation = checked(table, more)
    assert {each.rule: each.count for each in validation.report.findings} == {"key-not-unique": 5, "duplicate-row": 3}
    assert validation.quarantined["rows"].select("_row", pl.col("_rules").list.first()).rows() == [
        (2, "id: duplicate-row"), (3, "id: key-not-unique"), (4, "id: duplicate-row"), (5, "id: duplicate-row"),
        (6, "id: key-not-unique"), (7, "id: key-not-unique"), (8, "id: key-not-unique"), (9, "id: key-not-unique"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("level", "refused", "quarantined"), [("refuse", True, 0), ("quarantine", False, 1), ("warn", False, 0)]
)
def test_the_schema_says_what_a_broken_rule_leads_to(level: str, refused: bool, quarantined: int) -> None:
    """A column has its own level: the batch is refused, its rows leave, or somebody is told."""
    columns = {"id": Column(type="integer"), "x": Column.model_validate({"type": "number", "max": 5, "level": level})}
    report = checked(
        Rows(key=["id"], columns=columns, quarantine=1), pl.DataFrame({"id": [1, 2], "x": [1.0, 6.0]})
    ).report
    assert (bool(report.refused), report.tables["rows"].quarantined) == (refused, quarantined)
    assert [(each.rule, each.level) for each in report.findings] == [("above-max", level)]


def test_all_broken_rules_are_found_and_the_worst_comes_first() -> None:
    """One call finds everything, ordered by how many rows are touched."""
    bad = rows(id=[1, 1, 1, 1], temp=[99.0, -99.0, -98.0, 0.0], carrier=["AA", "AA", "x", "AA"])
    report = checked(TABLE, bad).report
    assert [(each.rule, each.count) for each in report.findings] == [
        ("no-rows", 4), ("key-not-unique", 4), ("below-min", 2), ("not-in-values", 1), ("above-max", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a|min", "primary_key", "c0", "filter", "columns", "x y", "_a", "rule__x", "é", "."])
def test_a_column_may_have_any_name(name: str) -> None:
    """No name of a column meets a name that the checks use."""
    table = Rows(key=[name], columns={name: Column(type="integer", min=0), "b": Column(type="string")}, quarantine=1)
    report = checked(table, pl.DataFrame({name: [1, -1, 2], "b": ["x", "y", "z"]})).report
    assert [(each.column, each.rule, each.count) for each in report.findings] == [(name, "below-min", 1)]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.integers(-100, 100), min_size=1, max_size=200))
def test_counts_are_those_of_a_plain_loop(values: list[int | None]) -> None:
    """Whatever the values, as many rows are counted as break the rule, and examples stay few."""
    columns = {"id": Column(type="integer"), "x": Column(type="number", min=-5, max=5, missing=1)}
    frame = pl.DataFrame({"id": range(len(values)), "x": values}, schema={"id": pl.Int64, "x": pl.Float64})
    validation = checked(Rows(key=["id"], columns=columns, quarantine=1), frame)
    by_rule = {each.rule: each for each in validation.report.findings if each.column == "x"}
    counts = {
        "missing": sum(value is None for value in values),
        "below-min": sum(value is not None and value < -5 for value in values),
        "above-max": sum(value is not None and value > 5 for value in values),
    }
    assert {rule: each.count for rule, each in by_rule.items()} == {
        rule: count for rule, count in counts.items() if count
    }
    assert all(len(each.examples) <= EXAMPLES for each in by_rule.values())
    bad = [row for row, value in enumerate(values) if value is None or not -5 <= value <= 5]
    left = validation.quarantined.get("rows")
    assert (left["_row"].to_list() if left is not None else []) == bad
