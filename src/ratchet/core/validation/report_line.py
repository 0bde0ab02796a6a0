"""A validation report in one line."""

from __future__ import annotations

from ratchet.core.validation.records import ValidationReport


def counts(report: ValidationReport, *, look: str = "") -> str:
    """Rows of each table, rows in quarantine and what to look at, such as "29,423 rows, 2 in quarantine".

    `look` is what shows more, named where there is more to see.
    """
    rows = ", ".join(f"{count.rows:,} {name}" for name, count in report.tables.items()) or "none"
    warned = sum(finding.level == "warn" and not finding.released for finding in report.findings)
    beside = [f"{report.quarantined:,} in quarantine"] * bool(report.quarantined) + [f"{warned} to look at"] * bool(
        warned
    )
    return ", ".join([rows, *beside]) + (f" ({look})" if beside and look else "")
