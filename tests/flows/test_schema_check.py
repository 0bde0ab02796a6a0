"""`ratchet schema check`: every rule with its level, and mistakes by the line they are on."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.core.schema import parse_schema
from ratchet.core.schema_rules import CheckedRule, checked_rules
from ratchet.errors import UsageError
from ratchet.flows.schema_check import read_checked

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = """\
rows:
  key: [id]
  columns:
    id: {type: integer}
    at: {type: timestamp, nullable: true}
    x: {type: number, unit: km, min: 0, nullable: true, missing: 0.25, level: warn}
  relations:
    - {rule: x < id}
"""


def problems(text: str, folder: Path) -> list[str]:
    """What is said of a schema."""
    path = folder / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_checked(path, "schema.yaml")
    return [line.removeprefix("  - ") for line in refused.value.message.splitlines()[1:]]


def test_rules_and_their_levels() -> None:
    """Each column says what leads to which level; what is only warned of is not said to be set aside."""
    rules = checked_rules(parse_schema(yaml.safe_load(SCHEMA)))
    assert rules == [
        CheckedRule("rows", "id", "key", "is missing, or in two rows of a batch", "quarantine"),
        CheckedRule("rows", "at", "timestamp", "is missing in every row", "refuse"),
        CheckedRule("rows", "x", "number, km", "is below 0 km", "warn"),
        CheckedRule("rows", "x", "number, km", "is infinite", "quarantine"),
        CheckedRule("rows", "x", "number, km", "is missing in more than 25% of rows", "refuse"),
        CheckedRule("rows", "x < id", "relation", "does not hold", "quarantine"),
        CheckedRule("rows", "all rules", "quarantine", "more than 1% of a batch's rows are in quarantine", "refuse"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unit: km", "units: km", "schema.yaml:6: rows.columns.x.units: unknown key, did you mean unit?"),
        ("min: 0,", "min: 0, max: -1,", "schema.yaml:6: rows.columns.x: min 0 is above max -1"),
        ("type: integer", "typo: integer", "schema.yaml:4: rows.columns.id.type: required, and not there"),
        ("key: [id]", "key: [ix]", "schema.yaml:1: rows: key names 'ix', which is no column of the table: id, at, x"),
    ],
)
def test_a_mistake_is_named_by_its_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    """Whoever reads the message knows where to look."""
    assert said in problems(SCHEMA.replace(old, new), tmp_path)


def test_relations_are_compiled(tmp_path: Path) -> None:
    """A relation over an unknown column is a mistake of its line, before any batch meets it."""
    (said,) = problems(SCHEMA.replace("x < id", "x < ix"), tmp_path)
    assert said.startswith("schema.yaml:8: schema.yaml: rows.relations: 'x < ix' cannot be checked")
    path = tmp_path / "schema.yaml"
    for rule in ("EXTRACT(hour FROM CAST(at AS TIMESTAMPTZ) AT TIME ZONE 'America/New_York') = x", "at < at"):
        path.write_text(SCHEMA.replace("x < id", rule), encoding="utf-8")
        assert read_checked(path, "schema.yaml").rows.relations[0].rule == rule


def test_the_command_shows_the_flights() -> None:
    """A line for each rule of the project's own schema."""
    done = CliRunner().invoke(app, ["--project", str(ROOT), "schema", "check"])
    schema = parse_schema(yaml.safe_load((ROOT / "src" / "flights" / "schema.yaml").read_text(encoding="utf-8")))
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, len(checked_rules(schema)) + 1 + len(schema.lookups))
