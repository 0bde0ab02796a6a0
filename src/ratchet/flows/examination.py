"""What validation says of raw files, before any stage has seen them: the same rules, by the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.schema import LOOKUPS, Schema
from ratchet.core.validation.batch import Validation, validate_batch
from ratchet.core.validation.periods import history_of
from ratchet.core.validation.profile import BatchProfile, profile_batch
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.core.validation.refusal import reasons, refusal
from ratchet.core.validation.releases import Release
from ratchet.core.validation.row_findings import worst_first
from ratchet.errors import DataRefused
from ratchet.io.batches import RawBatches
from ratchet.io.profile_cache import cached_profile
from ratchet.io.releases import read_releases
from ratchet.io.tables import parse_tables, read_typed

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Examined:
    """The report on raw files, and the rows in quarantine by table; a batch that cannot be read has only findings."""

    report: ValidationReport
    quarantined: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def look_at(batch: str, paths: Mapping[str, Path], schema: Schema, released: Sequence[Release] = ()) -> Examined:
    """Parse and check the files of a batch by themselves: without earlier batches and standing lookups."""
    typed, findings = parse_tables(paths, schema.tables_of(batch))
    if findings:
        return Examined(_unreadable(batch, typed, findings))
    return _examined(validate_batch(batch, _frames(typed), schema, before={}, released=released))


def look_at_among(
    raw: RawBatches, batch: str, paths: Mapping[str, Path], schema: Schema, *, until: datetime | None
) -> Examined:
    """Parse and check the files of a batch among the raw batches of the project, with what people released of it.

    `until` is when the batch came. Raises UsageError if a file of releases is wrong.
    """
    typed, findings = parse_tables(paths, schema.tables_of(batch))
    if findings:
        return Examined(_unreadable(batch, typed, findings))
    tables = _frames(typed)
    before: dict[str, BatchProfile] = {}
    if batch != LOOKUPS:
        tables |= _referenced(raw, schema)
        before = _before(raw, batch, schema)
    found = validate_batch(batch, tables, schema, before=before, released=read_releases(raw, batch), until=until)
    if not found.report.refused:
        cached_profile(raw.root, paths, schema, lambda: found.profile)
    return _examined(found)


def require_accepted(examined: Examined, *, kept: str = "") -> ValidationReport:
    """The report, if the batch may come in. Raises BatchRefused; `kept` is the folder where its files are."""
    report = examined.report
    if report.refused:
        raise refusal(report.batch, reasons(report), kept=kept)
    return report


def _before(raw: RawBatches, batch: str, schema: Schema) -> dict[str, BatchProfile]:
    """The profiles of the batches before one; what cannot be read is refused by its own stage, and left out here."""
    found: dict[str, BatchProfile] = {}
    for name in history_of(batch, raw.names(), schema.rows.period):
        paths = raw.table_files(name)
        try:
            found[name] = cached_profile(raw.root, paths, schema, partial(_profile, name, paths, schema))
        except DataRefused:
            continue
    return found


def _profile(batch: str, paths: Mapping[str, Path], schema: Schema) -> BatchProfile:
    return profile_batch(_frames(read_typed(batch, paths, schema.batch_tables())), schema)


def _referenced(raw: RawBatches, schema: Schema) -> dict[str, pl.DataFrame]:
    """The standing lookups that references name, of those that are here."""
    names = {each.lookup for each in schema.rows.references} & schema.standing_tables().keys()
    paths = {name: path for name, path in raw.standing_files().items() if name in names}
    return _frames(read_typed(LOOKUPS, paths, {name: schema.lookups[name] for name in paths}))


def _frames(typed: Mapping[str, pa.Table]) -> dict[str, pl.DataFrame]:
    import polars as pl

    return {name: pl.DataFrame(table) for name, table in typed.items()}


def _examined(found: Validation) -> Examined:
    return Examined(found.report, found.quarantined)


def _unreadable(batch: str, typed: Mapping[str, pa.Table], findings: tuple[Finding, ...]) -> ValidationReport:
    counts = {name: TableCount(rows=table.num_rows, quarantined=0) for name, table in typed.items()}
    return ValidationReport(batch=batch, tables=counts, findings=worst_first(findings))
