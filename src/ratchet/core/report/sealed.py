"""What a report says where the rows that judge are sealed: the one answer, the budget, and which rows it shows."""

from __future__ import annotations

from dataclasses import replace

from ratchet.core.decision import Decision
from ratchet.core.gate.charged import budget_text
from ratchet.core.judged import Evaluation
from ratchet.core.looked_at import OPEN
from ratchet.core.report.table import Section
from ratchet.core.report.text import count, shortened

NOT_PROMOTED = "not promoted"


def told(verdict: str, *, sealed: bool) -> str:
    """The verdict in words: a sealed decision does not tell a hold from a reject."""
    return NOT_PROMOTED if sealed and verdict != "promote" else verdict


def word_of(decision: Decision) -> str:
    """The same of a decision."""
    return told(decision.verdict, sealed=decision.seal is not None)


def budget_of(decision: Decision) -> str:
    """Which look at the sealed rows this was and what is left; empty where nothing is sealed."""
    return budget_text(decision.evidence) if decision.seal else ""


def why_sealed(decision: Decision) -> str:
    """What is kept back, and why; empty where nothing is sealed."""
    seal = decision.seal
    if seal is None:
        return ""
    batches = shortened(", ".join(seal.batches), 60)
    return (
        f"The {seal.rows:,} rows of {batches} are sealed: the gate says promote or not and nothing else about them, "
        "so that nobody can choose the next challenger by them, and the risk stays what it is said to be."
    )


def about_rows(evaluation: Evaluation) -> str:
    """'On 24,311 open rows in 27 clusters that no model was trained on.'; empty where the rows that judge are shown."""
    looked = evaluation.looked_at
    if looked is None or looked.kind != OPEN:
        return ""
    clusters = f" in {count(looked.clusters, 'cluster')}" if looked.clusters else ""
    return f"On {looked.rows:,} open rows{clusters} that no model was trained on."


def on_rows(section: Section, rows: str) -> Section:
    """The section with a word on the rows that it shows, if there is one to say."""
    return replace(section, note=f"{rows} {section.note}".strip()) if rows else section
