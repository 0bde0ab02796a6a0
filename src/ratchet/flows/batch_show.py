"""What validation says of one batch as it is now: of one that is here, or of one that was refused and kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.validation.records import ValidationReport
from ratchet.errors import UsageError
from ratchet.flows.examination import look_at_among
from ratchet.io import files, layout, refused, validation_page
from ratchet.io.batches import RawBatches, tables_in
from ratchet.io.releases import read_taken
from ratchet.io.room import read_params, read_schema
from ratchet.settings import Settings

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Shown:
    """One batch: the report, the rows in quarantine by table, and where its files are.

    `refused` says that the batch did not come in, and lies in `data/refused`.
    """

    report: ValidationReport
    quarantined: Mapping[str, pl.DataFrame]
    folder: str
    refused: bool


def show(settings: Settings, batch: str) -> Shown:
    """Examine the files of a batch, or of the standing lookups, by the schema and the releases as they are now.

    Raises UsageError if there is no such batch.
    """
    raw = RawBatches(settings.root)
    folder = _folder(raw, batch)
    is_refused = folder == refused.folder_of(settings.root, batch)
    schema = read_schema(settings.root, read_params(settings.root))
    until = datetime.now(UTC) if is_refused else read_taken(raw, batch)
    found = look_at_among(raw, batch, tables_in(folder), schema, until=until)
    return Shown(found.report, found.quarantined, str(folder.relative_to(settings.root)), is_refused)


def write_page(settings: Settings, report: ValidationReport) -> Path:
    """Write the report of a batch as a page below `reports/`; returns its path."""
    path = settings.root / layout.REPORTS / "validation" / f"{report.batch}.html"
    files.write_text(path, validation_page.html(report))
    return path


def _folder(raw: RawBatches, batch: str) -> Path:
    if folder := refused.find(raw, batch):
        return folder
    known = ", ".join(raw.names()[-6:]) or "none"
    kept = ", ".join(refused.kept_names(raw.root)) or "none"
    raise UsageError(
        f"there is no batch {batch}; here are (the newest) {known}; refused and kept are {kept}",
        next_step="ratchet data list shows all that are here",
    )
