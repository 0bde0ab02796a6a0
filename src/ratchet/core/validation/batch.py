"""The one entry of validation: the typed tables of a batch against the schema and against the batches before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from ratchet.core.schema import Rows, Schema, Table
from ratchet.core.validation import profile_columns as profile_columns  # noqa: PLC0414 - for the digest of the code
from ratchet.core.validation import profile_rows as profile_rows  # noqa: PLC0414 - for the digest of the code
from ratchet.core.validation.anomalies import find_anomalies
from ratchet.core.validation.periods import is_part
from ratchet.core.validation.profile import BatchProfile, profile_batch
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.core.validation.releases import Release, of_batch, released_reason
from ratchet.core.validation.row_findings import finding_of, quarantined_rows, split_copies, worst_first
from ratchet.core.validation.rules import Broken, broken_rules
from ratchet.core.validation.structure import reference_findings, structure_findings
from ratchet.core.validation.timing import period_name_findings, time_conditions


@dataclass(frozen=True)
class Validation:
    """What validation says of one batch.

    `quarantined` has, for each table with such rows, the rows in quarantine: `_row` (their position in the table, from
    0), `_rules` (a list of texts, "column: rule"), then the table's columns. `profile` is of all rows that came.
    """

    report: ValidationReport
    quarantined: dict[str, pl.DataFrame]
    profile: BatchProfile


@dataclass(frozen=True)
class _Context:
    """What a table is judged by, beside its own declaration."""

    batch: str
    schema: Schema
    before: Mapping[str, BatchProfile]
    released: Sequence[Release]
    until: datetime | None


@dataclass(frozen=True)
class _Judged:
    """One table: its findings, and its rows in quarantine."""

    findings: list[Finding]
    quarantined: pl.DataFrame


def validate_batch(
    batch: str,
    tables: Mapping[str, pl.DataFrame],
    schema: Schema,
    *,
    before: Mapping[str, BatchProfile],
    released: Sequence[Release],
    until: datetime | None = None,
) -> Validation:
    """Check all tables of one batch, or of the unit of standing lookups (LOOKUPS).

    `tables` are typed (see `core/conform.py`). Standing lookups may be among those of a batch: references to them are
    checked then, and they themselves are not. `before` are the up to HISTORY batches before this one by name, oldest
    first; `released` may hold releases of other batches too. `until`, which has a zone, is when the batch came: rows
    with a later `rows.time` are from the future. Raises UsageError if the schema has a relation that cannot be checked.
    """
    declared = schema.tables_of(batch)
    own = {name: tables[name] for name in declared}
    profile = profile_batch(own, schema)
    context = _Context(batch, schema, before, of_batch(batch, released), until)
    judged = {name: _judge(name, table, tables, profile, context) for name, table in declared.items()}
    report = ValidationReport(
        batch=batch,
        tables={name: TableCount(rows=own[name].height, quarantined=judged[name].quarantined.height) for name in own},
        findings=worst_first([finding for each in judged.values() for finding in each.findings]),
        compared_with=tuple(before),
    )
    return Validation(
        report=report,
        quarantined={name: each.quarantined for name, each in judged.items() if each.quarantined.height},
        profile=profile,
    )


def _judge(
    name: str, table: Table, tables: Mapping[str, pl.DataFrame], profile: BatchProfile, context: _Context
) -> _Judged:
    frame = tables[name]
    broken = _broken(name, table, frame, context)
    findings = [_decided(finding_of(each, frame, table=name), context) for each in broken]
    out = quarantined_rows(
        frame,
        (each for each, finding in zip(broken, findings, strict=True) if finding.leads_to("quarantine")),
    )
    whole = list(structure_findings(name, frame, table))
    if isinstance(table, Rows):
        whole += [*reference_findings(table, tables, context.schema), *period_name_findings(context.batch, table)]
    earlier = [each.tables[name] for each in context.before.values() if name in each.tables]
    part = is_part(context.batch, context.before, context.schema.rows.period)
    whole += find_anomalies(name, table, frame, profile.tables[name], earlier, part=part)
    whole += _too_many(name, table, TableCount(rows=frame.height, quarantined=out.height), findings)
    return _Judged([*findings, *(_decided(finding, context) for finding in whole)], out)


def _broken(name: str, table: Table, frame: pl.DataFrame, context: _Context) -> list[Broken]:
    conditions = time_conditions(context.batch, table, frame.schema, until=context.until)
    found = broken_rules(frame, table, conditions, name=name)
    return [one for each in found for one in (split_copies(each, frame, table) if _is_key(each) else [each])]


def _is_key(broken: Broken) -> bool:
    return broken.rule.rule == "key-not-unique"


def _decided(finding: Finding, context: _Context) -> Finding:
    return finding.model_copy(update={"released": released_reason(finding, context.released)})


def _too_many(name: str, table: Table, count: TableCount, findings: Sequence[Finding]) -> Iterator[Finding]:
    out = [each for each in findings if each.leads_to("quarantine")]
    if not out:
        return
    worst = max(out, key=lambda each: each.count)
    most = f"most of them by {worst.rule} of {worst.column}"
    share, allowed = f"{count.quarantined / count.rows:.2%}", f"{100 * table.quarantine:.4g}%"
    if count.quarantined == count.rows:
        yield Finding(table=name, column="*", rule="no-rows", level="refuse", count=count.rows,
                      sentence=f"has no row left: all are in quarantine, {most}")  # fmt: skip
    elif count.quarantined > table.quarantine * count.rows:
        sentence = f"has {share} of its rows in quarantine, where {allowed} may be; {most}"
        yield Finding(table=name, column="*", rule="quarantine-share", level="refuse", count=count.quarantined,
                      sentence=sentence)  # fmt: skip
