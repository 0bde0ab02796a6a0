"""validate: each typed batch against its schema; a batch that breaks a rule stops the pipeline here."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.checks import check
from ratchet.core.manifest import digest_of
from ratchet.core.schema import Schema
from ratchet.errors import BatchRefused, Violation
from ratchet.io import files, layout
from ratchet.io.batches import LOOKUPS, UnitStore
from ratchet.io.code import code_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_frame


def run(root: Path) -> None:
    """Write one small report per batch. Raises BatchRefused with every broken rule, its count and examples."""
    schema = read_schema(root, read_params(root))
    ingested = UnitStore(root / layout.INGESTED)

    def make(unit: str, folder: Path) -> None:
        rows = validate(unit, ingested, schema)
        files.write_json(folder / "report.json", {"batch": unit, "rows": rows, "violations": []})
        say(f"validate {unit}: {', '.join(f'{count:,} {name}' for name, count in rows.items()) or 'none'}")

    code = code_digest("ratchet")
    keys = {
        unit: digest_of({"files": recorded.files, "schema": schema.model_dump(), "code": code})
        for unit, recorded in ingested.manifest().units.items()
    }
    report_work("validate", UnitStore(root / layout.VALIDATION).update(keys, make))


def validate(unit: str, ingested: UnitStore, schema: Schema) -> dict[str, int]:
    """Check all tables of one unit; returns their row counts. Raises BatchRefused."""
    tables = schema.standing_tables() if unit == LOOKUPS else schema.batch_tables()
    rows: dict[str, int] = {}
    violations: list[Violation] = []
    for name, table in tables.items():
        frame = read_frame(ingested.file(unit, f"{name}.parquet"))
        rows[name] = len(frame)
        violations.extend(check(frame, table, name=name))
    if violations:
        raise BatchRefused(unit, violations)
    return rows
