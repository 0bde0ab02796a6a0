"""The rows that show a leak, as lines for a terminal and as cells of a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ratchet.core.leakage.leaks import leaks

if TYPE_CHECKING:
    from ratchet.core.decision import Decision
    from ratchet.core.leakage.records import Names


def shown_rows(decision: Decision) -> Iterator[tuple[str, str, str]]:
    """For each row that shows a leak: the kind of leak, the judging row, and the training row if one takes part."""
    evidence = decision.evidence
    if evidence.leakage is None:
        return
    for leak in leaks(evidence.leakage, decision.policy.leakage, evidence.task):
        for pair in leak.shown:
            yield leak.kind, _told(pair.holdout), _told(pair.training)


def lines(decision: Decision) -> Iterator[str]:
    """One line per row: which judging row, and which training row it is held against."""
    for kind, holdout, training in shown_rows(decision):
        yield f"{kind}: judging row {holdout}" + (f"; training row {training}" if training else "")


def _told(names: Names) -> str:
    return ", ".join(f"{name} {value}" for name, value in names)
