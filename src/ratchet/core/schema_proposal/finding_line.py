"""A finding on one line: where, what, how many rows, and a few of the values."""

from __future__ import annotations

from ratchet.core.validation.records import Finding
from ratchet.errors import EXAMPLES_SHOWN, Violation


def finding_line(finding: Finding) -> str:
    """The finding as every message of a refused batch has it.

    >>> finding_line(Finding(table="rows", column="x", rule="above-max", level="quarantine", sentence="is above 50 km",
    ...                      count=2, examples=("51", "700")))
    'rows.x: is above 50 km (2 rows, for example 51, 700)'
    """
    return str(
        Violation(
            table=finding.table,
            column=finding.column,
            rule=finding.sentence,
            count=finding.count,
            examples=finding.examples[:EXAMPLES_SHOWN],
        )
    )
