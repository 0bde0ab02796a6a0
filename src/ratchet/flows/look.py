"""Look at what the declared source has, as data frames, without taking it: for notebooks, benchmarks and tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.deliveries import without_late
from ratchet.core.schema import Schema
from ratchet.core.sources.taken import Taken
from ratchet.io.room import read_params, read_schema
from ratchet.io.sources.batch import Batch, Left, Source, Wanted
from ratchet.io.sources.opening import Opening, open_source
from ratchet.io.tables import read_frame
from ratchet.settings import load_environment

if TYPE_CHECKING:
    import pandas as pd

    Tables = dict[str, pd.DataFrame]


def frames(root: Path, since: str | None = None, until: str | None = None) -> Iterator[tuple[str, Tables]]:
    """Yield (name, tables) of the batches with since < name <= until, as a project that holds none would pull them.

    Moments are by the clock of the zone of `rows.period`, in UTC where there is none. Raises as a pull does.
    """
    source, schema, now = _opened(root)
    data = read_params(root).data
    taken = Taken(kind=data.rows.kind, records={}, period_of=without_late, first=data.first)
    collected = source.collect(Wanted(taken=taken, now=now, until=until), Left())
    with tempfile.TemporaryDirectory() as folder, closing(collected) as batches:
        for batch in batches:
            if since is None or since < batch.name:
                yield batch.name, _read(_written(batch, Path(folder)), schema)


def standing_frames(root: Path) -> Tables:
    """The lookups that stand for all batches."""
    source, schema, _ = _opened(root)
    with tempfile.TemporaryDirectory() as folder:
        return _read(source.standing(Path(folder)), schema)


def _opened(root: Path) -> tuple[Source, Schema, datetime]:
    params, now = read_params(root), datetime.now(UTC)
    schema = read_schema(root, params)
    opening = Opening(root=root, params=params, schema=schema, now=now, environment=load_environment(root))
    return open_source(opening), schema, now


def _written(batch: Batch, folder: Path) -> dict[str, Path]:
    paths = {table: folder / f"{table}{suffix}" for table, (suffix, _) in batch.writers.items()}
    for table, (_, write) in batch.writers.items():
        write(paths[table])
    return paths


def _read(paths: Mapping[str, Path], schema: Schema) -> Tables:
    zone = schema.rows.period.zone if schema.rows.period else None
    tables = {name: read_frame(path) for name, path in paths.items()}
    for table in tables.values():
        for name, column in table.items():
            if getattr(column.dtype, "tz", None) is not None:
                table[name] = column.dt.tz_convert(zone or "UTC")
    return tables
