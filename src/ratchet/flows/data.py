"""Take a batch from files, and fetch what git tracks. What comes in is checked before, and immutable after."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ratchet.core.validation.records import ValidationReport
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.intake import take
from ratchet.io import dvc, files
from ratchet.io.batches import SUFFIXES, RawBatches, check_batch_name
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
        if not path.is_file():
            raise UsageError(f"{kind}: there is no file {path}", next_step="check the path")
        if path.suffix not in SUFFIXES:
            raise UsageError(
                f"{kind}: {path} is no file that ends in {' or '.join(SUFFIXES)}",
                next_step="save the table as one of these, or declare it as a source: docs/sources.md",
            )
    if check_batch_name(name) in raw.names():
        _require_same(raw, name, tables)
        return None
    if not is_fetched(raw, name):
        raise UsageError(f"git knows a batch {name} that is not on this machine", next_step="ratchet data fetch")
    report = take(raw, name, {kind: (path.suffix, _copier(path)) for kind, path in tables.items()}, schema)
    track(settings, raw)
    return report


def in_quarantine(report: ValidationReport) -> str:
    """What there is to say of a batch that came in with rows in quarantine; nothing otherwise."""
    number = sum(table.quarantined for table in report.tables.values())
    return f"; {number:,} in quarantine (ratchet data show {report.batch})" if number else ""


def fetch(settings: Settings) -> None:
    """Bring what git tracks of the data, the outputs and the run cache from the DVC remote. Raises ServiceFailed."""
    if settings.dvc_remote is None and not dvc.has_remote(settings.root):
        raise UsageError(
            "no DVC remote is known", next_step="set DVC_REMOTE_URL, or run dvc remote add -d storage <folder or URL>"
        )
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        dvc.pull(repo)


def _require_same(raw: RawBatches, name: str, tables: Mapping[str, Path]) -> None:
    here = {kind: files.digest(path) for kind, path in raw.table_files(name).items()}
    if here != {kind: files.digest(path) for kind, path in tables.items()}:
        raise DataRefused(
            f"batch {name} is already here with other content, and batches are immutable",
            next_step=f"add a correction as a batch of its own, such as {name}-corrected, or remove {name} with git",
        )


def _copier(source: Path) -> Callable[[Path], object]:
    return partial(shutil.copyfile, source)


def track(settings: Settings, raw: RawBatches) -> None:
    """Hand to DVC what it does not track yet, in one call."""
    # A lookup that has changed is tracked already, and has to be tracked again.
    new = {*raw.untracked(), *raw.standing_files().values()}
    if new:
        with dvc.project(settings.root, settings.dvc_remote) as repo:
            dvc.add(repo, sorted(new))
