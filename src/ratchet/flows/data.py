"""Take a batch from files, and fetch what git tracks. What comes in is checked before, and immutable after."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ratchet.core.schema import Schema
from ratchet.core.validation.records import ValidationReport
from ratchet.errors import DataRefused, ServiceFailed, UsageError
from ratchet.flows.erased import erase_entries, erased_among, refusal, require_none_erased
from ratchet.flows.intake import take
from ratchet.io import dvc, files, profile_cache
from ratchet.io.batches import SUFFIXES, RawBatches, check_batch_name
from ratchet.io.releases import taken_path
from ratchet.io.room import read_params, read_schema
from ratchet.io.sources.records import is_fetched
from ratchet.settings import Settings


def add(settings: Settings, name: str, tables: Mapping[str, Path]) -> ValidationReport | None:
    """Take one batch from files, `tables` mapping each table to its file; returns None if it is already here.

    Raises BatchRefused, or DataRefused if a batch of this name, or these rows under another name, are here with other
    content.
    """
    raw = RawBatches(settings.root)
    schema = read_schema(settings.root, read_params(settings.root))
    for kind, path in tables.items():
        _require_readable(kind, path)
    if check_batch_name(name) in raw.names():
        _require_same(raw, name, tables, schema)
        return None
    if not is_fetched(raw, name):
        raise UsageError(f"git knows a batch {name} that is not on this machine", next_step="ratchet data fetch")
    writers = {kind: (_raw_suffix(path), _writer(name, kind, path, schema)) for kind, path in tables.items()}
    report = take(raw, name, writers, schema)
    track(settings, raw)
    return report


def in_quarantine(report: ValidationReport) -> str:
    """What there is to say of a batch that came in with rows in quarantine; nothing otherwise."""
    number = sum(table.quarantined for table in report.tables.values())
    return f"; {number:,} in quarantine (ratchet data show {report.batch})" if number else ""


def fetch(settings: Settings) -> None:
    """Bring what git tracks of the data, the outputs and the run cache from the DVC remote.

    Raises ServiceFailed, and DataRefused for a tracked batch that was erased.
    """
    if settings.dvc_remote is None and not dvc.has_remote(settings.root):
        raise UsageError(
            "no DVC remote is known", next_step="set DVC_REMOTE_URL, or run dvc remote add -d storage <folder or URL>"
        )
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        try:
            dvc.pull(repo)
        except ServiceFailed:
            params = read_params(settings.root)
            require_none_erased(settings.root, erase_entries(settings), params.project.name)
            raise


def _require_readable(kind: str, path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"{kind}: there is no file {path}", next_step="check the path")
    if path.suffix in SUFFIXES:
        return
    # Sources and what they need are loaded by nobody who gives plain CSV or Parquet.
    from ratchet.io.sources.converted import known_format

    if known_format(path) is None:
        raise UsageError(
            f"{kind}: {path} ends in neither .csv, .parquet nor .jsonl (or one of these and .gz or .zip)",
            next_step="save the table as one of these, or declare it as a source: docs/sources.md",
        )


def _require_same(raw: RawBatches, name: str, tables: Mapping[str, Path], schema: Schema) -> None:
    here = {kind: files.digest(path) for kind, path in raw.table_files(name).items()}
    if here != {kind: _raw_digest(name, kind, path, schema) for kind, path in tables.items()}:
        raise DataRefused(
            f"batch {name} is already here with other content, and batches are immutable",
            next_step=f"add a correction as a batch of its own, such as {name}-corrected, or remove {name} with git",
        )


def _raw_suffix(path: Path) -> str:
    """What the raw table is: the file as it is, if that is CSV or Parquet, else Parquet."""
    return path.suffix if path.suffix in SUFFIXES else ".parquet"


def _writer(batch: str, kind: str, path: Path, schema: Schema) -> Callable[[Path], object]:
    """Fills the raw table from the file at `path`."""
    if path.suffix in SUFFIXES:
        return partial(shutil.copyfile, path)
    from ratchet.io.sources.converted import write_converted

    return partial(write_converted, path, batch=batch, table=kind, schema=schema)


def _raw_digest(batch: str, kind: str, path: Path, schema: Schema) -> str:
    """The SHA-256 of the raw table that the file at `path` would become."""
    if path.suffix in SUFFIXES:
        return files.digest(path)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{kind}{_raw_suffix(path)}"
        _writer(batch, kind, path, schema)(target)
        return files.digest(target)


def track(settings: Settings, raw: RawBatches) -> None:
    """Hand to DVC what it does not track yet, in one call.

    Raises DataRefused for a batch whose content was erased; it is taken away again.
    """
    # A lookup that has changed is tracked already, and has to be tracked again.
    changed = (path for path in raw.standing_files().values() if not dvc.is_tracked(path))
    new = {*raw.untracked(), *changed}
    gone = erased_among(settings, [path for path in new if path.is_dir()])
    for path in gone:
        shutil.rmtree(path)
        taken_path(raw, path.name).unlink(missing_ok=True)
        # It was looked at when it came.
        profile_cache.forget(settings.root)
    if left := new - gone.keys():
        with dvc.project(settings.root, settings.dvc_remote) as repo:
            dvc.add(repo, sorted(left))
    for path, entry in gone.items():
        raise refusal(path.name, entry)
