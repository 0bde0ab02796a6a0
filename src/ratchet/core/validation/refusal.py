"""A refused batch as an error: its findings in words, few of them, and how to let one pass."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.validation.records import Finding, ValidationReport
from ratchet.core.validation.releases import can_be_released
from ratchet.core.validation.wording import printable
from ratchet.errors import EXAMPLES_SHOWN, BatchRefused, Violation

FINDINGS_SHOWN = 12
"""Findings that a message names; the others are counted."""
LONGEST_NAME = 200
"""Characters of a column's name: it may be a whole line of a file that has another separator."""
MEND = "mend the data at its source and add it again"
MEND_HERE = (
    "the batch is here already: loosen schema.yaml if that is what has become stricter, or remove the batch with git "
    "and add a mended one"
)
ADJUSTABLE = ("missing", "missing-share", "below-min", "above-max", "not-in-values", "unmatched", "unknown-column")
"""Rules of schema.yaml that may be too narrow: `ratchet schema propose` says by how much."""
TOO_MANY = ("quarantine-share", "no-rows")
"""Rules about the number of rows in quarantine: what put them there has to be said with them."""


def reasons(report: ValidationReport) -> tuple[Finding, ...]:
    """Why a batch is refused: what refuses it, and behind too many rows in quarantine, what put them there."""
    crowded = {each.table for each in report.refused if each.rule in TOO_MANY}
    return (*report.refused, *(each for each in report.leading_to("quarantine") if each.table in crowded))


def refusal(batch: str, findings: Sequence[Finding], *, kept: str = "", here: bool = False) -> BatchRefused:
    """The error that says why `batch` is refused.

    `kept` is the folder where its files are, if they are kept; `here` says that the batch came in at an earlier time.
    """
    violations = [_violation(finding) for finding in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        others = findings[FINDINGS_SHOWN:]
        violations.append(Violation(table="and", column=f"{len(others)} more findings", rule="not shown here",
                                    count=sum(each.count for each in others)))  # fmt: skip
    return BatchRefused(
        batch, violations, next_step=_next_step(batch, findings, kept, mend=MEND_HERE if here else MEND)
    )


def _violation(finding: Finding) -> Violation:
    name = f" [{finding.rule}]" if can_be_released(finding.rule) else ""
    return Violation(table=printable(finding.table), column=printable(finding.column, LONGEST_NAME),
                     rule=f"{printable(finding.sentence)}{name}", count=finding.count,
                     examples=finding.examples[:EXAMPLES_SHOWN])  # fmt: skip


def _next_step(batch: str, findings: Sequence[Finding], kept: str, *, mend: str) -> str:
    where = f"; what came is kept in {kept}, with a report" if kept else ""
    if any(finding.rule in ADJUSTABLE for finding in findings):
        where = f"; if schema.yaml is too narrow: ratchet schema propose {batch}{where}"
    releasable = next((finding for finding in findings if can_be_released(finding.rule)), None)
    if releasable is None or any(each.level == "refuse" and not can_be_released(each.rule) for each in findings):
        return f"{mend}{where}"
    release = f'ratchet data release {batch} --rule {releasable.rule} --reason "…"'
    each = ", and so for each rule" * (len({finding.rule for finding in findings if finding.level == "refuse"}) > 1)
    return f"{mend}, or, if it is right as it is, let it pass: {release}{each}{where}"
