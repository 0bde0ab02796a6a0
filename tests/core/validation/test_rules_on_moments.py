"""Rules on moments are tried on distinct values first, and find the same rows as a look at every row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.schema import Column, Relation, Rows
from ratchet.core.validation.rules import broken_rules

START = datetime(2013, 7, 1, tzinfo=UTC)
HOUR = "EXTRACT(hour FROM t) = h"


def table(*rules: str) -> Rows:
    """Rows with a moment, its hour, and a number."""
    columns = {"i": "integer", "t": "timestamp", "h": "integer", "n": "integer"}
    return Rows(
        key=["i"],
        columns={name: Column.model_validate({"type": kind}) for name, kind in columns.items()},
        relations=[Relation(rule=rule) for rule in rules],
    )


def frame(hours: list[int], said: list[int], numbers: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"i": range(len(hours)), "t": [START + timedelta(hours=each) for each in hours], "h": said, "n": numbers},
        schema={"i": pl.Int64, "t": pl.Datetime("us", "UTC"), "h": pl.Int64, "n": pl.Int64},
    )


@settings(deadline=None, max_examples=30)
@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_the_rows_that_break_a_rule_are_all_found(rows: list[tuple[int, int]]) -> None:
    """Whether the distinct values are few or many, and whether some row breaks the rule or none."""
    hours, said = [hour for hour, _ in rows], [hour for _, hour in rows]
    found = broken_rules(frame(hours, said, [0] * len(rows)), table(HOUR), [], name="rows")
    wrong = [place for place, (hour, each) in enumerate(rows) if hour != each]
    assert [each.rows.to_list() for each in found] == ([wrong] if wrong else [])
