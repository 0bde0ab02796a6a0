"""ingest: raw batches as they came become typed tables, one Parquet file per table and batch."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.manifest import digest_of
from ratchet.core.schema import LOOKUPS
from ratchet.io import files, layout
from ratchet.io.batches import RawBatches, UnitStore
from ratchet.io.code import code_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_typed, write_table


def run(root: Path) -> None:
    """Raises BatchRefused if a table cannot be parsed or does not have the schema's columns and types."""
    schema = read_schema(root, read_params(root))
    raw = RawBatches(root)
    sources = {LOOKUPS: raw.standing_files(), **{name: raw.table_files(name) for name in raw.names()}}

    def make(unit: str, folder: Path) -> None:
        tables = schema.tables_of(unit)
        typed = read_typed(unit, sources[unit], tables)
        for name, table in typed.items():
            write_table(folder / f"{name}.parquet", table)
        say(f"ingest {unit}: {', '.join(f'{table.num_rows:,} {name}' for name, table in typed.items()) or 'none'}")

    code = code_digest("ratchet")
    declared = digest_of(schema.model_dump())
    keys = {
        unit: digest_of({"content": _content(paths), "schema": declared, "code": code})
        for unit, paths in sources.items()
    }
    report_work("ingest", UnitStore(root / layout.INGESTED).update(keys, make))


def _content(paths: dict[str, Path]) -> dict[str, list[str]]:
    """Of each table of a unit how its file ends and its SHA-256."""
    return {name: [path.suffix, files.digest(path)] for name, path in paths.items()}
