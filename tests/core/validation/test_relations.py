"""Relations between columns, written in SQL: how they compute, and what is refused when the schema is compiled."""

from __future__ import annotations

import polars as pl
import pytest

from ratchet.core.schema import ROWS, Column, Relation, Rows, Schema
from ratchet.core.validation.batch import Validation, validate_batch
from ratchet.core.validation.relations import compile_relation
from ratchet.errors import UsageError

TYPES = {"a": pl.Int64(), "b": pl.Int64(), "s": pl.String(), "t": pl.Datetime("us", "UTC"), "two words": pl.Float64()}
FRAME = pl.DataFrame(
    {"a": [7, -7, None], "b": [2, 2, 2], "s": ["x", None, "y"], "two words": [1.5, None, 0.0]},
    schema={name: kind for name, kind in TYPES.items() if name != "t"},
)


def holds(rule: str) -> list[bool]:
    """Whether each of the three rows keeps the rule."""
    expression, _ = compile_relation(Relation(rule=rule), FRAME.schema, table="rows")
    return FRAME.select(expression.alias("holds")).to_series().to_list()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("a / b = 3.5", [True, False, True]),
        ("a // b = 3", [True, False, True]),
        ("a // b = -3", [False, True, True]),
        ("a % b = 1", [True, False, True]),
        ("a IS NOT NULL", [True, True, False]),
        ("a > 0 AND s = 'x'", [True, False, False]),
        ("s IS NULL OR s IN ('x', 'z')", [True, True, False]),
        ('"two words" > 1', [True, True, False]),
        ("a BETWEEN -10 AND 0", [False, True, True]),
        ("GREATEST(a, b) = 7 OR s = 'MAX(a)'", [True, True, False]),
    ],
)
def test_sql_computes_as_written_down(rule: str, expected: list[bool]) -> None:
    """A slash divides as real numbers do, two of them give a whole number, and a rule that is missing is kept."""
    assert holds(rule) == expected


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("a ===", "unable to parse"),
        ("nope = 1", "nope"),
        ("a + b", "it is no condition, but gives Int64"),
        ("1 = 1", "it names no column"),
        ("MAX(a) = 7", "MAX is about whole columns"),
        ("a > avg (a)", "AVG is about whole columns"),
        ("a > ROUND(STDDEV(a), 1) AND b > 0", "STDDEV is about whole columns"),
        ("COUNT(*) > a", "COUNT is about whole columns"),
        ("a = LAG(a) OVER (ORDER BY b)", "LAG is about whole columns"),
        ("b < SUM(b) OVER (PARTITION BY s)", "SUM is about whole columns"),
        ("ROW_NUMBER() OVER (ORDER BY a) = b", "ROW_NUMBER is about whole columns"),
        ("s = 1", "cannot"),
    ],
)
def test_a_rule_that_cannot_be_checked_is_a_mistake_in_the_schema(rule: str, why: str) -> None:
    """The message names the rule and what is wrong with it; nothing is guessed."""
    with pytest.raises(UsageError, match=r"schema.yaml: rows.relations") as refused:
        compile_relation(Relation(rule=rule), TYPES, table="rows")
    assert repr(rule) in refused.value.message
    assert why in refused.value.message


def checked(relation: Relation) -> Validation:
    """Three rows of hour, minute and clock time against one relation."""
    columns = {name: Column(type="integer", nullable=True) for name in ("hour", "minute", "clock")}
    table = Rows(key=["id"], columns={"id": Column(type="integer"), **columns}, relations=[relation], quarantine=1)
    frame = pl.DataFrame({"id": [1, 2, 3], "hour": [5, 23, 7], "minute": [15, 59, None], "clock": [515, 2358, 700]})
    return validate_batch("b", {ROWS: frame}, Schema(rows=table), before={}, released=())


def test_a_row_that_breaks_a_relation_leaves_with_its_values_shown() -> None:
    """The finding names the columns, the rule and what it means, and shows the values side by side."""
    validation = checked(Relation(rule="hour * 100 + minute = clock", description="the clock, taken apart"))
    (finding,) = validation.report.findings
    assert (finding.column, finding.rule, finding.count) == ("hour+minute+clock", "relation", 1)
    assert finding.sentence == "does not keep the rule hour * 100 + minute = clock (the clock, taken apart)"
    assert finding.examples == ("hour=23 minute=59 clock=2358",)
    assert validation.quarantined["rows"]["_row"].to_list() == [1]


def test_a_relation_has_a_level_of_its_own() -> None:
    """One that is only likely may warn."""
    validation = checked(Relation(rule="hour * 100 + minute = clock", level="warn"))
    assert ([each.level for each in validation.report.findings], validation.quarantined) == (["warn"], {})
