"""Let pass what validation found: a decision of a person, with a reason, kept in git beside the batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ratchet.core.validation.records import Finding, ValidationReport
from ratchet.core.validation.releases import ANY, UNUSABLE, Release, can_be_released
from ratchet.errors import UsageError
from ratchet.flows.batch_show import show
from ratchet.io.batches import RawBatches
from ratchet.io.releases import all_releases, write_release
from ratchet.settings import Settings


@dataclass(frozen=True)
class Released:
    """What was let pass: the findings, the file that says so, and the report as it is from now on.

    `refused` says that the batch did not come in before, and has to be added or pulled again.
    """

    findings: tuple[Finding, ...]
    path: Path
    report: ValidationReport
    refused: bool


def release(settings: Settings, wanted: Release) -> Released:
    """Write the release `wanted` down, with who and when.

    Raises UsageError if the batch has no such finding, if it is released already, or if it cannot be.
    """
    before = show(settings, wanted.batch)
    if not can_be_released(wanted.rule):
        raise _never(wanted.rule)
    findings = tuple(each for each in before.report.findings if wanted.covers(each))
    if not findings:
        raise _nothing_to_release(wanted, before.report)
    if all(each.released for each in findings):
        raise UsageError(
            f"{wanted.rule} of {wanted.batch} is released already: {findings[0].released}",
            next_step="ratchet data release --list shows all releases",
        )
    dated = wanted.model_copy(update={"actor": settings.actor, "date": f"{datetime.now(UTC):%Y-%m-%d}"})
    path = write_release(RawBatches(settings.root), dated)
    return Released(findings, path.relative_to(settings.root), show(settings, wanted.batch).report, before.refused)


def releases(settings: Settings) -> list[Release]:
    """All releases, those of the standing lookups first, then by batch."""
    return all_releases(RawBatches(settings.root))


def _never(rule: str) -> UsageError:
    if rule in UNUSABLE:
        return UsageError(
            f"{rule} cannot be released: later stages could not take such rows",
            next_step="leave them in quarantine, mend the data at its source, or say nullable: true in schema.yaml",
        )
    return UsageError(
        f"{rule} cannot be released: without it there is no table that a stage could work on",
        next_step="mend the data at its source, or change schema.yaml",
    )


def _nothing_to_release(wanted: Release, report: ValidationReport) -> UsageError:
    open_ = [each for each in report.findings if not each.released]
    there = sorted({f"{each.rule} ({each.table}.{each.relation or each.column})" for each in open_})
    return UsageError(
        f"batch {wanted.batch} has no finding {wanted.rule}{_where(wanted)}; it has {', '.join(there[:20]) or 'none'}",
        next_step=f"ratchet data show {wanted.batch}",
    )


def _where(wanted: Release) -> str:
    place = "" if (wanted.table, wanted.column) == (ANY, ANY) else f" in {wanted.table}.{wanted.column}"
    return place if wanted.relation == ANY else f"{place} of the condition {wanted.relation}"
