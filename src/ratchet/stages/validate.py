"""validate: each typed batch against its schema and the batches before it; a batch that is refused stops the pipeline.

Rows that break a rule go into quarantine: they are kept here, and later stages leave them out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.manifest import digest_of
from ratchet.core.schema import LOOKUPS, Schema
from ratchet.core.validation.batch import validate_batch
from ratchet.core.validation.periods import history_of
from ratchet.core.validation.profile import BatchProfile
from ratchet.core.validation.records import ValidationReport
from ratchet.core.validation.refusal import reasons, refusal
from ratchet.io import releases
from ratchet.io.batches import RawBatches
from ratchet.io.code import code_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import read_params, read_schema
from ratchet.io.tables import read_polars
from ratchet.io.validated import PROFILE, REPORT, Validated, read_profile, write_validation

if TYPE_CHECKING:
    import polars as pl


def run(root: Path) -> None:
    """Write the report, the profile and the quarantine of each batch. Raises BatchRefused with what was found."""
    _load_dataframely()
    checks = Checks(root, read_schema(root, read_params(root)))

    def make(unit: str, folder: Path) -> None:
        earlier = checks.quarantined_so_far(unit)
        report = checks.check(unit, folder)
        before = "" if earlier in (None, report.quarantined) else f" ({earlier:,} in quarantine before)"
        say(f"validate {unit}: {report.counts()}{before}")

    report_work("validate", checks.validated.store.update(checks.keys(code_digest("ratchet")), make))


def _load_dataframely() -> None:
    """Load it without SQLAlchemy, which it loads where it can: that takes longer than all the rest, and serves nothing.

    Python takes None in place of a module as "not installed", which dataframely expects.
    """
    if "sqlalchemy" in sys.modules:
        return
    sys.modules["sqlalchemy"] = None  # type: ignore[assignment]  # documented, but not in the type
    try:
        import dataframely  # noqa: F401
    finally:
        del sys.modules["sqlalchemy"]


class Checks:
    """One run over the units of a project; keeps the profiles of the last few batches, which the next one needs."""

    def __init__(self, root: Path, schema: Schema) -> None:
        self.validated = Validated(root)
        self._schema = schema
        self._raw = RawBatches(root)
        self._profiles: dict[str, BatchProfile] = {}

    def keys(self, code: str) -> dict[str, str]:
        """Of each unit, the digest of all that decides what is written of it."""
        units = {name: unit.files for name, unit in self.validated.ingested.manifest().units.items()}
        schema = digest_of(self._schema.model_dump())
        standing = units.get(LOOKUPS) if self._schema.rows.references else None
        return {
            name: digest_of(
                {
                    "files": found,
                    "schema": schema,
                    "code": code,
                    "lookups": None if name == LOOKUPS else standing,
                    "before": [[earlier, units[earlier]] for earlier in self._before(name)],
                    "released": [each.model_dump() for each in releases.read_releases(self._raw, name)],
                    "taken": str(releases.read_taken(self._raw, name)),
                }
            )
            for name, found in units.items()
        }

    def check(self, unit: str, folder: Path) -> ValidationReport:
        """Validate one unit and write what was found into `folder`. Raises BatchRefused."""
        names = self._schema.tables_of(unit)
        tables = {name: read_polars(self.validated.ingested.file(unit, f"{name}.parquet")) for name in names}
        if unit != LOOKUPS:
            tables |= self._referenced()
        found = validate_batch(
            unit,
            tables,
            self._schema,
            before={name: self._profile(name) for name in self._before(unit)},
            released=releases.read_releases(self._raw, unit),
            until=releases.read_taken(self._raw, unit),
        )
        if found.report.refused:
            raise refusal(unit, reasons(found.report), here=True)
        write_validation(folder, found)
        near = self._before(unit)
        self._profiles = {name: each for name, each in self._profiles.items() if name in near} | {unit: found.profile}
        return found.report

    def quarantined_so_far(self, unit: str) -> int | None:
        """How many rows of a unit the last run put into quarantine; None if that cannot be told. For people only."""
        path = self.validated.store.folder / unit / REPORT
        try:
            return ValidationReport.model_validate_json(path.read_bytes()).quarantined
        except (OSError, ValueError):
            return None

    def _before(self, unit: str) -> list[str]:
        """The batches that a batch is compared with, oldest first."""
        if unit == LOOKUPS:
            return []
        return history_of(unit, self.validated.ingested.names(), self._schema.rows.period)

    def _profile(self, batch: str) -> BatchProfile:
        if batch not in self._profiles:
            self._profiles[batch] = read_profile(self.validated.store.file(batch, PROFILE))
        return self._profiles[batch]

    def _referenced(self) -> dict[str, pl.DataFrame]:
        """The standing lookups that the schema's references name."""
        names = {each.lookup for each in self._schema.rows.references} & self._schema.standing_tables().keys()
        store = self.validated.ingested
        return {name: read_polars(store.file(LOOKUPS, f"{name}.parquet")) for name in sorted(names)}
