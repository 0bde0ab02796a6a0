"""What `validate` wrote, and the rows that it left: those of a batch without those in quarantine.

`data/validation/<unit>/` holds `report.json`, `profile.json`, and `<table>.quarantine.parquet` of each table that has
rows in quarantine. Whatever is read has been compared with the digests of its manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.validation.records import ValidationReport
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.tables import read_frame, read_polars, write_polars

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from ratchet.core.validation.batch import Validation
    from ratchet.core.validation.profile import BatchProfile

REPORT = "report.json"
PROFILE = "profile.json"
QUARANTINE = ".quarantine.parquet"


@dataclass(frozen=True)
class Validated:
    """The tables of `data/ingested` and what `data/validation` says of them, in the project at `root`."""

    root: Path

    @property
    def ingested(self) -> UnitStore:
        """The typed tables, all rows."""
        return UnitStore(self.root / layout.INGESTED)

    @property
    def store(self) -> UnitStore:
        """What validation wrote."""
        return UnitStore(self.root / layout.VALIDATION)

    def report(self, unit: str) -> ValidationReport:
        """The report of a batch, or of the standing lookups. Raises ServiceFailed, TamperedFile."""
        return ValidationReport.model_validate_json(self.store.file(unit, REPORT).read_bytes())

    def quarantined(self, unit: str, table: str) -> pl.DataFrame | None:
        """The rows of a table in quarantine with their positions and reasons; None if there are none.

        Raises ServiceFailed, TamperedFile.
        """
        if f"{table}{QUARANTINE}" not in self.written(unit):
            return None
        return read_polars(self.store.file(unit, f"{table}{QUARANTINE}"))

    def digests(self, unit: str) -> dict[str, str]:
        """Of a unit's typed tables and of what is in quarantine, the digest of each file: what `rows` depends on."""
        quarantined = {name: each for name, each in self.written(unit).items() if name.endswith(QUARANTINE)}
        return {**self.ingested.digests(unit), **quarantined}

    def rows(self, unit: str, table: str) -> pd.DataFrame:
        """The rows of a table that are not in quarantine, numbered from 0. Raises ServiceFailed, TamperedFile."""
        self.store.file(unit, REPORT)
        frame = read_frame(self.ingested.file(unit, f"{table}.parquet"))
        quarantined = self.quarantined(unit, table)
        if quarantined is None:
            return frame
        return frame.drop(index=quarantined["_row"].to_list()).reset_index(drop=True)

    def written(self, unit: str) -> dict[str, str]:
        """The digest of each file that validation wrote of a unit; none if it has not seen it."""
        recorded = self.store.manifest().units.get(unit)
        return recorded.files if recorded else {}


def write_validation(folder: Path, validation: Validation) -> None:
    """Write what validation said of one unit into its folder."""
    files.write_json(folder / REPORT, validation.report.model_dump(mode="json"))
    files.write_text(folder / PROFILE, f"{validation.profile.model_dump_json()}\n")
    for table, rows in validation.quarantined.items():
        write_polars(folder / f"{table}{QUARANTINE}", rows)


def read_profile(path: Path) -> BatchProfile:
    """Read a profile that `write_validation` wrote."""
    from ratchet.core.validation.profile import BatchProfile

    return BatchProfile.model_validate_json(path.read_bytes())
