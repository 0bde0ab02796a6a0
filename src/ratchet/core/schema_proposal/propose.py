"""Which changes of the schema let a batch pass, as far as single rules of it are too narrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ratchet.core.schema_proposal.faults import ADJUSTABLE, DOUBTS, why_not
from ratchet.core.schema_proposal.records import Case, Change, Fault
from ratchet.core.schema_proposal.structure import add_column, as_number, match_less
from ratchet.core.schema_proposal.values import add_values, allow_missing, widen
from ratchet.core.validation.records import Finding
from ratchet.core.validation.refusal import TOO_MANY

CHANGES = {
    "missing": allow_missing,
    "missing-share": allow_missing,
    "below-min": widen,
    "above-max": widen,
    "not-in-values": add_values,
    "unmatched": match_less,
    "wrong-type": as_number,
    "unknown-column": add_column,
}
"""What answers a finding: the changes, or why there are none. Its keys are the adjustable rules."""


def propose(case: Case) -> tuple[list[Change], list[Fault]]:
    """One step towards a schema by which the batch passes: changes, and what stands against any.

    Where too many rows are in quarantine, the rule that put most of them there is answered, one at a time.
    """
    changes: list[Change] = []
    faults: list[Fault] = []
    for finding in _to_answer(case):
        for answer in _answer(finding, case):
            if isinstance(answer, Change):
                changes.append(answer)
            else:
                faults.append(answer)
    return changes, faults


def _to_answer(case: Case) -> Iterator[Finding]:
    for finding in case.report.refused:
        if finding.rule not in TOO_MANY:
            yield finding
            continue
        behind = [each for each in case.report.leading_to("quarantine") if each.table == finding.table]
        if not behind:
            yield finding
        elif not any(each.rule not in TOO_MANY and each.table == finding.table for each in case.report.refused):
            yield max(behind, key=lambda each: each.count)


def _answer(finding: Finding, case: Case) -> Sequence[Change | Fault]:
    if finding.rule not in ADJUSTABLE:
        return [Fault(finding, why_not(finding.rule))]
    if doubt := _doubt(finding, case):
        return [Fault(doubt, why_not(doubt.rule))]
    return CHANGES[finding.rule](finding, case)


def _doubt(finding: Finding, case: Case) -> Finding | None:
    """An anomaly that explains the finding: then the values are wrong, and the rule is right."""
    columns = set(finding.column.split("+"))
    found = (each for each in case.report.findings if each.rule in DOUBTS and not each.released)
    return next((each for each in found if each.table == finding.table and columns & set(each.column.split("+"))), None)
