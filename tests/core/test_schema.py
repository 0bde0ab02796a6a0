"""schema.yaml as typed records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.core.schema import Schema, parse_schema
from ratchet.errors import UsageError

ROOT = Path(__file__).parents[2]
SHIPPED = sorted([*ROOT.glob("src/*/schema.yaml"), *ROOT.glob("tests/projects/*/src/*/schema.yaml")])

COLUMNS: dict[str, Any] = {"id": {"type": "integer"}, "late": {"type": "boolean", "known": "after"}}


@pytest.fixture
def schema() -> Schema:
    """Rows with an outcome, a lookup per batch and a standing one."""
    return parse_schema(
        {
            "rows": {"key": ["id"], "columns": COLUMNS},
            "lookups": {
                "weather": {"key": ["id"], "columns": {"id": {"type": "string"}}, "per_batch": True},
                "planes": {"key": ["id"], "columns": {"id": {"type": "integer"}, "make": {"type": "string"}}},
            },
        }
    )


def test_three_rooms_ship_a_schema() -> None:
    """The glob below finds the schemas it is meant to find."""
    assert [path.parent.name for path in SHIPPED] == ["flights", "crops", "diabetes"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_schemas_parse(path: Path) -> None:
    """The schema of every room is right, and its keys are columns."""
    tables = parse_schema(yaml.safe_load(path.read_text(encoding="utf-8")))
    for table in (tables.rows, *tables.lookups.values()):
        assert set(table.key) <= set(table.columns)


def test_tables_are_told_apart_by_when_they_arrive(schema: Schema) -> None:
    """The rows and the lookups per batch come with each batch, the rows first; the others stand."""
    assert (list(schema.batch_tables()), list(schema.standing_tables())) == (["rows", "weather"], ["planes"])


def test_outcomes_are_not_known_before(schema: Schema) -> None:
    """Feature functions are given only what is known when a prediction is asked for."""
    assert schema.known_before() == ["id"]


def test_a_table_knows_its_text_columns(schema: Schema) -> None:
    """Columns of type string, and no others, hold text."""
    assert schema.lookups["planes"].texts() == ["make"]


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({}, "rows: required, and not there"),
        ({"rows": {"key": [], "columns": COLUMNS}}, "rows.key: list should have at least 1 item"),
        ({"rows": {"key": ["id"], "columns": {}}}, "rows.columns: dictionary should have at least 1 item"),
        ({"rows": {"key": ["id"], "columns": {"id": {"type": "int"}}}}, "rows.columns.id.type: input should be"),
        (
            {"rows": {"key": ["id"], "columns": {"id": {"type": "integer", "nulable": True}}}},
            "rows.columns.id.nulable: unknown key, did you mean nullable?",
        ),
        (
            {"rows": {"key": ["id"], "columns": COLUMNS}, "lookups": {"planes": {"key": ["id"], "colums": {}}}},
            "lookups.planes.colums: unknown key, did you mean columns?",
        ),
        (
            {"rows": {"key": ["id"], "columns": COLUMNS, "period": {"every": "day", "zone": "Europe/Berln"}}},
            "rows.period.zone: 'Europe/Berln' is no time zone, did you mean Europe/Berlin?",
        ),
    ],
)
def test_a_wrong_schema_is_refused_by_place(tree: object, line: str) -> None:
    """The refusal names the file and the place in it."""
    with pytest.raises(UsageError) as refused:
        parse_schema(tree, source="src/flights/schema.yaml")
    assert refused.value.message.startswith("src/flights/schema.yaml is refused:")
    assert f"\n  - {line}" in refused.value.message
