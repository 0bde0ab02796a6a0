"""Bring batches in: from the room's source, or from files. Checked before anything is written, immutable after."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.schema import Schema
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.intake import Writers, examine, take
from ratchet.io import dvc, files
from ratchet.io.batches import SUFFIXES, RawBatches, check_batch_name, pointer
from ratchet.io.progress import say
from ratchet.io.room import read_params, read_schema, source
from ratchet.io.tables import write_frame
from ratchet.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BatchFacts:
    """What `ratchet data list` shows of a batch."""

    name: str
    tables: tuple[str, ...]
    size: int
    tracked: bool


def pull(settings: Settings, *, until: str | None) -> list[str]:
    """Collect the batches after the newest one here, up to and including `until`; returns the new names.

    Raises BatchRefused before a refused batch is written; the batches before it stay, tracked.
    """
    params = read_params(settings.root)
    schema = read_schema(settings.root, params)
    room = source(settings.root, params)
    raw = RawBatches(settings.root)
    files.sweep(raw.folder, deep=False)
    have = raw.names()
    new: list[str] = []
    try:
        _write_standing(raw, room.standing(), schema)
        for name, tables in room.collect(have[-1] if have else None, until):
            take(raw, check_batch_name(name), _writers(tables), schema)
            new.append(name)
            say(f"pulled {name}: {', '.join(f'{len(table):,} {kind}' for kind, table in tables.items())}")
    finally:
        _track(settings, raw)
    return new


def add(settings: Settings, name: str, tables: Mapping[str, Path]) -> bool:
    """Take one batch from files, `tables` mapping each table to its file; returns False if it is already here.

    Raises DataRefused if a batch of this name, or these rows under another name, are here with other content.
    """
    raw = RawBatches(settings.root)
    schema = read_schema(settings.root, read_params(settings.root))
    for kind, path in tables.items():
        if not path.is_file() or path.suffix not in SUFFIXES:
            raise UsageError(
                f"{kind}: {path} is not a file that ends in {' or '.join(SUFFIXES)}",
                next_step="check the path, or save the table as one of these",
            )
    if check_batch_name(name) in raw.names():
        return _require_same(raw, name, tables)
    take(raw, name, {kind: (path.suffix, _copier(path)) for kind, path in tables.items()}, schema)
    _track(settings, raw)
    return True


def facts(settings: Settings) -> list[BatchFacts]:
    """The batches that are here, oldest first."""
    raw = RawBatches(settings.root)
    return [
        BatchFacts(
            name=name,
            tables=tuple(found := raw.table_files(name)),
            size=sum(path.stat().st_size for path in found.values()),
            tracked=pointer(raw.folder / name).is_file(),
        )
        for name in raw.names()
    ]


def fetch(settings: Settings) -> None:
    """Bring what git tracks of the data, the outputs and the run cache from the DVC remote. Raises ServiceFailed."""
    if settings.dvc_remote is None and not dvc.has_remote(settings.root):
        raise UsageError(
            "no DVC remote is known", next_step="set DVC_REMOTE_URL, or run dvc remote add -d storage <folder or URL>"
        )
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        dvc.pull(repo)


def _require_same(raw: RawBatches, name: str, tables: Mapping[str, Path]) -> bool:
    here = {kind: files.digest(path) for kind, path in raw.table_files(name).items()}
    if here != {kind: files.digest(path) for kind, path in tables.items()}:
        raise DataRefused(
            f"batch {name} is already here with other content, and batches are immutable",
            next_step=f"add a correction as a batch of its own, such as {name}-corrected, or remove {name} with git",
        )
    return False


def _write_standing(raw: RawBatches, tables: Mapping[str, pd.DataFrame], schema: Schema) -> None:
    """Write the standing lookups that are new or have changed."""
    with tempfile.TemporaryDirectory() as name:
        fresh = {kind: Path(name) / f"{kind}.parquet" for kind in tables}
        for kind, table in tables.items():
            write_frame(fresh[kind], table)
        examine("lookups", fresh, schema.standing_tables())
        here = {kind: files.digest(path) for kind, path in raw.standing_files().items()}
        for kind, path in fresh.items():
            if here.get(kind) != files.digest(path):
                files.write(raw.lookups / path.name, _copier(path))


def _writers(tables: Mapping[str, pd.DataFrame]) -> Writers:
    return {kind: (".parquet", partial(_write_to, table)) for kind, table in tables.items()}


def _write_to(table: pd.DataFrame, path: Path) -> None:
    write_frame(path, table)


def _copier(source: Path) -> Callable[[Path], object]:
    return partial(shutil.copyfile, source)


def _track(settings: Settings, raw: RawBatches) -> None:
    """Hand to DVC what it does not track yet, in one call."""
    # A lookup that has changed is tracked already, and has to be tracked again.
    new = {*raw.untracked(), *raw.standing_files().values()}
    if new:
        with dvc.project(settings.root, settings.dvc_remote) as repo:
            dvc.add(repo, sorted(new))
