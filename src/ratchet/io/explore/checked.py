"""What the last validation said of a batch, if it saw as many rows as there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from ratchet.core.validation.records import Finding
from ratchet.io.validated import REPORT, Validated


@dataclass(frozen=True)
class Checked:
    """What was found, how many rows of each table are in quarantine, and those with `_row` and `_rules` in front."""

    findings: tuple[Finding, ...]
    counts: dict[str, int]
    rows: dict[str, pl.DataFrame]


def checked(root: Path, unit: str, rows: Mapping[str, int]) -> Checked | None:
    """What validation said of the unit; None if it has not seen tables of so many `rows`.

    Raises TamperedFile if a file was altered.
    """
    validated = Validated(root)
    if REPORT not in validated.written(unit):
        return None
    try:
        report = validated.report(unit)
    except ValidationError:
        return None
    if {name: found.rows for name, found in report.tables.items()} != dict(rows):
        return None
    held = {name: validated.quarantined(unit, name) for name in rows}
    return Checked(
        findings=report.findings,
        counts={name: found.quarantined for name, found in report.tables.items()},
        rows={name: frame for name, frame in held.items() if frame is not None and frame.height},
    )
