"""Batches that were refused, in `data/refused/<batch>/`: the files as they came, and why. Git and DVC ignore them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from ratchet.core.schema import LOOKUPS
from ratchet.core.validation.records import ValidationReport
from ratchet.io import files, validation_page
from ratchet.io.batches import RawBatches

FOLDER = "data/refused"
PAGES = {"md": validation_page.markdown, "html": validation_page.html}


def folder_of(root: Path, batch: str) -> Path:
    """Where a refused batch is kept."""
    return root / FOLDER / batch


def keep(root: Path, report: ValidationReport, paths: Mapping[str, Path]) -> str:
    """Move the files of a refused batch there, in place of an earlier try, with the report; returns the folder's name.

    The report is there as JSON, Markdown and HTML.
    """
    folder = folder_of(root, report.batch)
    with files.new_folder(folder) as half:
        for path in paths.values():
            shutil.move(path, half / path.name)
        for suffix, render in PAGES.items():
            files.write_text(half / f"report.{suffix}", render(report))
        files.write_json(half / "report.json", report.model_dump(mode="json"))
    return str(folder.relative_to(root))


def find(raw: RawBatches, unit: str) -> Path | None:
    """Where a batch is, or the standing lookups are: what was refused counts unless a batch of this name is here."""
    if unit in raw.names():
        return raw.folder / unit
    if unit in kept_names(raw.root):
        return folder_of(raw.root, unit)
    return raw.lookups if unit == LOOKUPS else None


def read_kept(root: Path, batch: str) -> ValidationReport | None:
    """The report of a refused batch; None if none of this name is kept."""
    path = folder_of(root, batch) / "report.json"
    return ValidationReport.model_validate_json(path.read_bytes()) if path.is_file() else None


def kept_names(root: Path) -> list[str]:
    """The refused batches that are kept."""
    return sorted(path.parent.name for path in (root / FOLDER).glob("*/report.json"))


def forget(root: Path, batch: str) -> None:
    """Remove what was kept of a batch, once it has come in."""
    shutil.rmtree(folder_of(root, batch), ignore_errors=True)
