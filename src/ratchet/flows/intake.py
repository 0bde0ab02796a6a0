"""The door that every batch comes in by: examined before it is put in place, and the same rows never twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ratchet.core.checks import check
from ratchet.core.schema import ROWS, Schema, Table
from ratchet.errors import BatchRefused, DataRefused
from ratchet.io import files
from ratchet.io.batches import RawBatches
from ratchet.io.tables import read_typed

Writers = Mapping[str, tuple[str, Callable[[Path], object]]]
"""By table: the suffix of its file, and what fills the file."""


def take(raw: RawBatches, name: str, writers: Writers, schema: Schema) -> None:
    """Write the batch beside its place, examine what was written, and only then put it in place.

    `writers` maps each table to the suffix of its file and to what fills that file. Raises DataRefused.
    """
    with files.new_folder(raw.folder / name) as half:
        paths = {kind: half / f"{kind}{suffix}" for kind, (suffix, _) in writers.items()}
        for kind, (_, write) in writers.items():
            write(paths[kind])
        examine(name, paths, schema.batch_tables())
        _require_new_rows(raw, name, paths[ROWS])


def examine(batch: str, paths: Mapping[str, Path], tables: Mapping[str, Table]) -> None:
    """Parse and check the files of a batch without writing anything. Raises BatchRefused with everything found."""
    typed = read_typed(batch, paths, tables)
    violations = [
        violation for name, table in typed.items() for violation in check(table.to_pandas(), tables[name], name=name)
    ]
    if violations:
        raise BatchRefused(batch, violations)


def _require_new_rows(raw: RawBatches, name: str, rows: Path) -> None:
    size, digest = rows.stat().st_size, files.digest(rows)
    for other in raw.names():
        path = raw.table_files(other)[ROWS]
        if path.stat().st_size == size and files.digest(path) == digest:
            raise DataRefused(
                f"batch {name} has the same rows as batch {other}: the same data twice would train and judge itself",
                next_step="check which period the file holds",
            )
