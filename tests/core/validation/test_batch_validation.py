"""A whole batch: its structure, its references, its period, its quarantine, and what people released of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ratchet.core.schema import LOOKUPS, ROWS, Schema, parse_schema
from ratchet.core.validation.batch import Validation, validate_batch
from ratchet.core.validation.records import ValidationReport
from ratchet.core.validation.releases import Release, can_be_released

SCHEMA = parse_schema(
    {
        "rows": {
            "key": ["id"],
            "time": "at",
            "period": {"every": "month", "zone": "America/New_York"},
            "columns": {
                "id": {"type": "integer"},
                "at": {"type": "timestamp"},
                "plane": {"type": "string", "nullable": True},
                "x": {"type": "number", "nullable": True, "missing": 0.5, "max": 100},
            },
            "references": [{"lookup": "planes", "columns": ["plane"], "matched": 0.8}],
            "quarantine": 0.1,
        },
        "lookups": {"planes": {"key": ["tail"], "columns": {"tail": {"type": "string"}, "seats": {"type": "integer"}}}},
    }
)
PLANES = pl.DataFrame({"tail": ["A", "B"], "seats": [100, 200]})
FIRST, MONTH = datetime(2013, 7, 1, 4, tzinfo=UTC), timedelta(days=31)


def batch(size: int = 40, **changed: Sequence[Any]) -> dict[str, pl.DataFrame]:
    """A batch without a fault, but for the columns that are given, and the lookup its rows name."""
    columns = {
        "id": list(range(size)),
        "at": [FIRST + row * MONTH / size for row in range(size)],
        "plane": ["A"] * size,
        "x": [float(row % 7) for row in range(size)],
    }
    kinds = [("id", pl.Int64()), ("at", pl.Datetime("us", "UTC")), ("plane", pl.String()), ("x", pl.Float64())]
    return {ROWS: pl.DataFrame({**columns, **changed}, schema=kinds), "planes": PLANES}


def checked(
    tables: dict[str, pl.DataFrame], name: str = "2013-07", *released: Release, schema: Schema = SCHEMA, **options: Any
) -> Validation:
    """What validation says of a batch without any before it."""
    return validate_batch(name, tables, schema, before={}, released=released, **options)


def rules(report: ValidationReport) -> list[tuple[str, str, str, int]]:
    """Each finding in short."""
    return [(each.column, each.rule, each.level, each.count) for each in report.findings]


def test_a_batch_without_a_fault_passes() -> None:
    """It has counts, a profile and no finding."""
    found = checked(batch())
    assert (rules(found.report), found.quarantined, found.profile.tables["rows"].rows) == ([], {}, 40)
    assert found.report.model_dump()["tables"] == {"rows": {"rows": 40, "quarantined": 0}}


def test_a_column_that_a_failed_join_left_empty_refuses_the_batch() -> None:
    """It may be missing in a row, even in many; in every row it says that something broke."""
    assert rules(checked(batch(x=[None] * 40)).report) == [("x", "all-missing", "refuse", 40)]


def test_a_column_of_which_all_may_be_missing_may_be() -> None:
    """A schema can say so."""
    tree = SCHEMA.model_dump()
    tree["rows"]["columns"]["x"]["missing"] = 1
    assert rules(checked(batch(x=[None] * 40), schema=parse_schema(tree)).report) == []


def test_few_rows_may_lack_a_column_by_chance() -> None:
    """Of a handful of rows it is a warning."""
    assert rules(checked(batch(5, x=[None] * 5)).report) == [("x", "all-missing", "warn", 5)]


def test_more_missing_values_than_allowed_refuse_the_batch() -> None:
    """The share is the schema's; at the share itself the batch passes."""
    half = [None, 1.0] * 20
    assert rules(checked(batch(x=half)).report) == []
    report = checked(batch(x=[None, *half[1:39], None])).report
    assert rules(report) == [("x", "missing-share", "refuse", 21)]
    assert report.findings[0].sentence == "is missing in 52.50% of rows, where 50% may be"


def test_rows_that_find_no_entry_refuse_the_batch() -> None:
    """What is missing finds none; the finding shows what was looked for."""
    planes = ["A"] * 31 + ["Z", None, "Y"] * 3
    report = checked(batch(plane=planes)).report
    assert rules(report) == [("plane", "unmatched", "refuse", 9)]
    assert report.findings[0].examples == ("Z", "(missing)", "Y")
    assert rules(checked(batch(plane=["A"] * 32 + ["Z"] * 8)).report) == []


def test_a_reference_is_checked_only_where_its_lookup_is_at_hand() -> None:
    """Alone, a table of rows can be looked at too."""
    tables = batch(plane=["Z"] * 40)
    del tables["planes"]
    assert rules(checked(tables).report) == []


def test_rows_of_another_period_leave() -> None:
    """The month is that of the calendar of its zone: in New York it begins four hours after UTC's."""
    moments = [FIRST + row * MONTH / 36 for row in range(36)]
    edge = [datetime(2013, 7, 1, 3, 59), datetime(2013, 7, 1, 4), datetime(2013, 8, 1, 3, 59), datetime(2013, 8, 1, 4)]
    found = checked(batch(at=[*moments, *(each.replace(tzinfo=UTC) for each in edge)]))
    assert rules(found.report) == [("at", "outside-period", "quarantine", 2)]
    assert found.report.findings[0].sentence == "is outside of the batch's month, 2013-07-01 to 2013-07-31"
    assert found.quarantined["rows"]["_row"].to_list() == [36, 39]


@pytest.mark.parametrize(("name", "refused"), [("2013-07.late-1", False), ("july", True), ("2013-7", True)])
def test_a_batch_is_named_after_its_period(name: str, refused: bool) -> None:
    """What came late has the same period; another name is refused, with the form that is expected."""
    report = checked(batch(), name).report
    assert [(each.rule, each.level) for each in report.findings] == [("period-name", "refuse")] * refused
    assert all("such as 2013-07" in each.sentence for each in report.findings)


def test_rows_from_the_future_leave() -> None:
    """Only where it is known when the batch came."""
    found = checked(batch(), until=FIRST + 37 * MONTH / 40)
    assert rules(found.report) == [("at", "future", "quarantine", 2)]
    assert found.quarantined["rows"]["_row"].to_list() == [38, 39]


def test_too_many_rows_in_quarantine_refuse_the_batch() -> None:
    """A tenth of them may be; the finding says what put most of them there."""
    assert not checked(batch(x=[500.0] * 4 + [1.0] * 36)).report.refused
    report = checked(batch(x=[500.0] * 5 + [1.0] * 35)).report
    assert [each.rule for each in report.refused] == ["quarantine-share"]
    assert report.refused[0].sentence == (
        "has 12.50% of its rows in quarantine, where 10% may be; most of them by above-max of x"
    )


def test_standing_lookups_are_checked_as_a_unit_of_their_own() -> None:
    """Their rows go into quarantine in the same way, and neither period nor name is asked for."""
    planes = pl.DataFrame({"tail": [f"N{row}" for row in range(200)] + [None], "seats": [5] * 201})
    found = checked({"planes": planes}, LOOKUPS)
    assert (list(found.report.tables), rules(found.report)) == (["planes"], [("tail", "missing", "quarantine", 1)])


def test_what_is_released_comes_back() -> None:
    """The finding stays on record with the reason; rows that break nothing else are no longer left out."""
    tables = batch(x=[500.0, 600.0] + [1.0] * 38, plane=["A"] * 40, id=[0, 1, *range(2, 39), 38])
    before = checked(tables)
    assert before.quarantined["rows"]["_row"].to_list() == [0, 1, 38, 39]
    release = Release(batch="2013-07", rule="above-max", column="x", reason="measured by hand")
    after = checked(tables, "2013-07", release)
    assert after.quarantined["rows"]["_row"].to_list() == [38, 39]
    assert [(each.rule, each.released) for each in after.report.findings] == [
        ("key-not-unique", ""),
        ("above-max", "measured by hand"),
    ]


@pytest.mark.parametrize(
    ("release", "counts"),
    [
        ({"rule": "all-missing"}, True),
        ({"rule": "all-missing", "table": "rows", "column": "x"}, True),
        ({"rule": "all-missing", "column": "plane"}, False),
        ({"rule": "all-missing", "table": "planes"}, False),
        ({"rule": "missing-share"}, False),
        ({"rule": "all-missing", "batch": "2013-08"}, False),
    ],
)
def test_a_release_covers_what_it_names_and_nothing_else(release: dict[str, str], counts: bool) -> None:
    """Batch, rule, table and column have to fit."""
    given = Release(**{"batch": "2013-07", "reason": "so it is", **release})
    assert bool(checked(batch(x=[None] * 40), "2013-07", given).report.refused) is not counts


def test_a_table_without_rows_cannot_be_released() -> None:
    """There is nothing that a later stage could work on."""
    tables = batch(x=[500.0] * 40)
    given = [Release(batch="2013-07", rule=rule, reason="whatever") for rule in ("no-rows", "quarantine-share")]
    assert [each.rule for each in checked(tables, "2013-07", *given).report.refused] == ["no-rows"]
    assert not can_be_released("missing-column")


def test_a_report_reads_back_equal() -> None:
    """It is plain JSON."""
    report = checked(batch(x=[500.0] * 5 + [None] * 35)).report
    assert ValidationReport.model_validate_json(report.model_dump_json()) == report


def test_a_million_rows_make_no_larger_report() -> None:
    """Findings hold a few examples however many rows break a rule, and those are short."""
    size = 100_000
    tables = batch(size, x=[1000.0 + row for row in range(size)], plane=["x" * 500] * size)
    assert len(checked(tables).report.model_dump_json()) < 3000


def test_one_relation_of_several_can_be_released() -> None:
    """Both are about the same columns; the condition tells them apart, however it is spaced."""
    tree = SCHEMA.model_dump()
    tree["rows"]["relations"] = [{"rule": "x < id + 50"}, {"rule": "x <> id + 60"}]
    tables = batch(x=[60.0] + [1.0] * 39)
    release = Release(batch="2013-07", rule="relation", relation="x  < id +\n50", reason="a big one")
    found = checked(tables, "2013-07", release, schema=parse_schema(tree)).report.findings
    assert [(each.relation, each.released) for each in found] == [("x <> id + 60", ""), ("x < id + 50", "a big one")]
