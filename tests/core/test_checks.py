"""Typed tables against the rules of their schema."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.checks import check
from ratchet.core.schema import Column, Table
from ratchet.errors import EXAMPLES_SHOWN, Violation

TABLE = Table(
    key=["id"],
    columns={
        "id": Column(type="integer"),
        "temp": Column(type="number", unit="°C", min=-50, max=50, nullable=True),
        "carrier": Column(type="string", values=["AA", "UA"]),
    },
)


def rows(**changed: list[Any]) -> pd.DataFrame:
    """Four rows without a fault, but for the columns that are given."""
    columns = {"id": [1, 2, 3, 4], "temp": [-50.0, 0.0, None, 50.0], "carrier": ["AA", "UA", "UA", "AA"]}
    return pd.DataFrame(columns | changed)


def test_rows_that_keep_the_rules_have_no_violations() -> None:
    """The ends of a range belong to it, and what is nullable may be missing."""
    assert check(rows(), TABLE, name="rows") == ()


@pytest.mark.parametrize(
    ("changed", "violation"),
    [
        (
            {"temp": [-51.0, -60.0, 0.0, 0.0]},
            Violation(table="rows", column="temp", rule="is below -50 °C", count=2, examples=("-51.0", "-60.0")),
        ),
        (
            {"temp": [1000.0, 0.0, 0.0, 0.0]},
            Violation(table="rows", column="temp", rule="is above 50 °C", count=1, examples=("1000.0",)),
        ),
        (
            {"carrier": ["AA", "XX", "XX", "aa"]},
            Violation(table="rows", column="carrier", rule="is none of AA, UA", count=3, examples=("XX", "aa")),
        ),
        (
            {"id": [1, 1, 3, 4]},
            Violation(table="rows", column="id", rule="key is not unique", count=2, examples=("1",)),
        ),
    ],
    ids=["below", "above", "values", "key"],
)
def test_a_broken_rule_is_named_counted_and_shown(changed: dict[str, list[Any]], violation: Violation) -> None:
    """Each kind of violation names the column, the rule, how many rows, and a few values."""
    assert check(rows(**changed), TABLE, name="rows") == (violation,)


def test_a_missing_value_is_a_violation_where_none_may_be() -> None:
    """Only what is nullable may be missing."""
    (violation,) = check(rows(carrier=["AA", None, "UA", None]), TABLE, name="rows")
    assert (violation.column, violation.rule, violation.count) == ("carrier", "is missing", 2)


def test_a_key_is_never_missing() -> None:
    """Even where the schema calls a key column nullable, a row without it cannot be told from another."""
    loose = Table(key=["id"], columns={"id": Column(type="number", nullable=True)})
    (violation,) = check(pd.DataFrame({"id": [1.0, None]}), loose, name="planes")
    assert (violation.table, violation.column, violation.rule, violation.count) == ("planes", "id", "is missing", 1)


def test_a_key_of_several_columns_is_unique_together() -> None:
    """Rows may share a part of the key, not the whole."""
    both = Table(key=["id", "day"], columns={"id": Column(type="integer"), "day": Column(type="string")})
    data = pd.DataFrame({"id": [1, 1, 2, 2], "day": ["a", "b", "a", "a"]})
    expected = Violation(table="rows", column="id+day", rule="key is not unique", count=2, examples=("2 a",))
    assert check(data, both, name="rows") == (expected,)


def test_all_broken_rules_are_found_and_the_worst_comes_first() -> None:
    """One call finds everything, ordered by how many rows are touched."""
    bad = rows(id=[1, 1, 1, 1], temp=[99.0, -99.0, -98.0, 0.0], carrier=["AA", "AA", "x", "AA"])
    assert [(found.rule, found.count) for found in check(bad, TABLE, name="rows")] == [
        ("key is not unique", 4),
        ("is below -50 °C", 2),
        ("is none of AA, UA", 1),
        ("is above 50 °C", 1),
    ]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.integers(-100, 100), min_size=1, max_size=200))
def test_counts_are_those_of_a_plain_loop(values: list[int | None]) -> None:
    """Whatever the values, as many rows are counted as break the rule, and examples stay few."""
    loose = Table(key=["id"], columns={"id": Column(type="integer"), "x": Column(type="number", min=-5, max=5)})
    data = pd.DataFrame({"id": range(len(values)), "x": pd.Series(values, dtype="float64")})
    found = {violation.rule: violation for violation in check(data, loose, name="rows")}
    counts = {
        "is missing": sum(value is None for value in values),
        "is below -5": sum(value is not None and value < -5 for value in values),
        "is above 5": sum(value is not None and value > 5 for value in values),
    }
    assert {rule: violation.count for rule, violation in found.items()} == {
        rule: count for rule, count in counts.items() if count
    }
    assert all(len(violation.examples) <= EXAMPLES_SHOWN for violation in found.values())
