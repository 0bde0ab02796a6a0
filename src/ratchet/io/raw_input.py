"""What a model needs to take raw rows, in its sealed folder: `raw/input.json`, and the standing lookups as Parquet.

The seal covers them like the room's code and schema, which lie under `src/`. Lookups that are larger than a limit stay
behind: then the model takes features only, and says why.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.raw_input import Json, LeftOut, RawInput, requested_tables
from ratchet.core.schema import LOOKUPS, ROWS, Schema, Table, parse_schema
from ratchet.errors import TamperedFile
from ratchet.io import files
from ratchet.io.tables import write_frame
from ratchet.io.validated import Validated
from ratchet.io.yaml_text import parse_yaml

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

FOLDER = "raw"
RECORD = "input.json"
EXAMPLE_ROWS = 1_000
"""Rows of a table among which an example is looked for that keeps every rule."""


def write_raw_input(target: Path, *, valid: Validated, batch: str, room: Path, limit: int) -> None:
    """Put what raw rows need beside the model in `target`.

    `batch` shows how rows look; of standing lookups the rows travel that are not in quarantine, as features were made
    from those; more than `limit` bytes together are left out. Raises ServiceFailed or TamperedFile if a stage's output
    is not what it wrote.
    """
    schema = read_room_schema(room)
    tables = requested_tables(schema)
    found = {name: _read(valid.ingested.file(batch, f"{name}.parquet"), rows=name == ROWS) for name in tables}
    standing = {name: valid.ingested.file(LOOKUPS, f"{name}.parquet") for name in schema.standing_tables()}
    size = sum(path.stat().st_size for path in standing.values())
    fits = size <= limit
    record = RawInput(
        room=room.name,
        zoned={name: _zoned(found[name], table) for name, table in tables.items()},
        lookups=tuple(standing) if fits else (),
        left_out=None if fits else LeftOut(size=size, limit=limit),
        example=_example(found, tables, schema),
    )
    (target / FOLDER).mkdir(parents=True)
    for name in record.lookups:
        if valid.quarantined(LOOKUPS, name) is None:
            shutil.copyfile(standing[name], lookup_file(target, name))
        else:
            write_frame(lookup_file(target, name), valid.rows(LOOKUPS, name))
    files.write_json(target / FOLDER / RECORD, record.model_dump(mode="json"))


def read_raw_input(folder: Path) -> RawInput | None:
    """The record in a model folder, or None where the model is older than it. Raises TamperedFile if it is not one."""
    path = folder / FOLDER / RECORD
    try:
        return RawInput.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise TamperedFile(f"{path} cannot be read: {error}", next_step="train and record the model again") from error


def lookup_file(folder: Path, name: str) -> Path:
    """Where a standing lookup lies in a model folder."""
    return folder / FOLDER / f"{name}.parquet"


def read_room_schema(room: Path) -> Schema:
    """The schema of a room wherever it lies. Raises UsageError that lists every problem."""
    path = room / "schema.yaml"
    return parse_schema(parse_yaml(path.read_text(encoding="utf-8"), source=str(path)), source=str(path))


def _read(path: Path, *, rows: bool) -> pa.Table:
    """A table of a batch; of the rows only the first ones, as a batch may have millions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not rows:
        return pq.read_table(path)
    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(EXAMPLE_ROWS), None)
        return pa.Table.from_batches([] if first is None else [first], file.schema_arrow)


def _zoned(found: pa.Table, table: Table) -> tuple[str, ...]:
    import pyarrow as pa

    kinds = {name: found.schema.field(name).type for name in table.columns}
    return tuple(name for name, kind in kinds.items() if pa.types.is_timestamp(kind) and kind.tz is not None)


def _example(found: Mapping[str, pa.Table], tables: Mapping[str, Table], schema: Schema) -> dict[str, list[Json]]:
    """One row of each table that keeps every rule, with the entry of a lookup that the row refers to, if it is there.

    Nothing if there is a table without a row that does.
    """
    import polars as pl

    frames = {name: pl.DataFrame(found[name].select(list(table.columns))) for name, table in tables.items()}
    row = _first_valid(frames[ROWS], tables[ROWS], ROWS)
    if row is None:
        return {}
    example = {ROWS: row}
    for name in frames.keys() - {ROWS}:
        keys = [row.select(each.columns) for each in schema.rows.references if each.lookup == name]
        for candidates in (frames[name], *(_entries(frames[name], tables[name], key) for key in keys)):
            if (entry := _first_valid(candidates, tables[name], name)) is not None:
                example[name] = entry
    return {name: [_as_json(one)] for name, one in example.items()} if example.keys() == tables.keys() else {}


def _entries(lookup: pl.DataFrame, table: Table, key: pl.DataFrame) -> pl.DataFrame:
    return lookup.join(key, left_on=table.key, right_on=key.columns, how="semi")


def _first_valid(frame: pl.DataFrame, table: Table, name: str) -> pl.DataFrame | None:
    from ratchet.core.validation.rules import broken_rules

    frame = frame.head(EXAMPLE_ROWS)
    broken = {row for each in broken_rules(frame, table, [], name=name) for row in each.rows}
    position = next((row for row in range(frame.height) if row not in broken), None)
    return None if position is None else frame.slice(position, 1)


def _as_json(row: pl.DataFrame) -> Json:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in row.row(0, named=True).items()
    }
