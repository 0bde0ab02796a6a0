"""ingest: raw batches as they came become typed tables, one Parquet file per table and batch."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.conform import conform
from ratchet.core.manifest import digest_of
from ratchet.core.schema import Schema, Table
from ratchet.errors import BatchRefused, Violation
from ratchet.io import files, layout
from ratchet.io.batches import LOOKUPS, RawBatches, UnitStore
from ratchet.io.code import code_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_raw, write_table


def run(root: Path) -> None:
    """Raises BatchRefused if a table cannot be parsed or does not have the schema's columns and types."""
    schema = read_schema(root, read_params(root))
    raw = RawBatches(root)
    sources = {LOOKUPS: raw.standing_files(), **{name: raw.table_files(name) for name in raw.names()}}

    def make(unit: str, folder: Path) -> None:
        tables = schema.standing_tables() if unit == LOOKUPS else schema.batch_tables()
        rows = parse(unit, sources[unit], tables, folder)
        say(f"ingest {unit}: {rows:,} rows")

    code = code_digest("ratchet")
    keys = {unit: _key(paths, schema, code) for unit, paths in sources.items()}
    report_work("ingest", UnitStore(root / layout.INGESTED).update(keys, make))


def parse(unit: str, paths: dict[str, Path], tables: dict[str, Table], folder: Path) -> int:
    """Write each declared table of a unit to `folder`; returns the rows of its first table."""
    violations = [
        Violation(table=name, column="*", rule="table is missing", count=0) for name in tables if name not in paths
    ]
    rows = 0
    for name in tables.keys() & paths.keys():
        typed, found = conform(read_raw(paths[name], batch=unit, texts=tables[name].texts()), tables[name], name=name)
        violations.extend(found)
        if not found:
            write_table(folder / f"{name}.parquet", typed)
        rows = max(rows, typed.num_rows) if name == next(iter(tables)) else rows
    if violations:
        raise BatchRefused(unit, violations)
    return rows


def _key(paths: dict[str, Path], schema: Schema, code: str) -> str:
    content = {name: [path.suffix, files.digest(path)] for name, path in paths.items()}
    return digest_of({"content": content, "schema": schema.model_dump(), "code": code})
