"""One file of rows as the Parquet file of a batch: what is neither plain CSV nor Parquet is turned into it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ratchet.core.schema import ROWS, Schema
from ratchet.core.sources.declared import Format
from ratchet.errors import BatchRefused, DataRefused, Violation
from ratchet.io.sources.readers import chunks_of, format_of
from ratchet.io.sources.spool import Spool

ALL = "all"
"""The one period of the spool."""


def known_format(path: Path) -> Format | None:
    """What a file holds by how its name ends, also packed as .gz or .zip; None if that says nothing."""
    try:
        return format_of(path.name, None)
    except DataRefused:
        return None


def write_converted(source: Path, target: Path, *, batch: str, table: str, schema: Schema) -> None:
    """Read `source`, CSV, JSON lines or Parquet, packed or not, and write it as Parquet.

    Columns get the types of the schema where all values fit, as those of a source do; memory holds one chunk of rows.
    Raises DataRefused if the file cannot be read, BatchRefused if it has no rows.
    """
    declared = schema.rows if table == ROWS else schema.lookups.get(table)
    types = {name: column.type for name, column in declared.columns.items()} if declared else {}
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), types, table)
        for chunk in chunks_of(source, source.name, None, types):
            spool.add(ALL, chunk)
        if not spool.periods():
            raise BatchRefused(batch, [Violation(table=table, column="*", rule="has no rows", count=0)])
        spool.write(ALL, target, batch)
