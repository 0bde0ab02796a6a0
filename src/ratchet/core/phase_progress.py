"""How far a candidate has come in the phase that it waits in: in words for people, in numbers for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ratchet.core.candidates import Candidate
from ratchet.core.phases import Approval, Canary, Shadow

if TYPE_CHECKING:
    # It brings numpy, which a queue without trials does without.
    from ratchet.core.phase_evidence import Judged


@dataclass(frozen=True, kw_only=True)
class Progress:
    """`text` says it in words; `now` and `needed` have the numbers by name: approvals, rows, days, labels, evidence.

    What is in `needed` alone is not known here, and `unknown` says why. `share` is that of the requests which a canary
    answers. `outcome` is how a phase that is over ends once somebody writes it down; None: it goes on.
    """

    text: str
    now: Mapping[str, float] = field(default_factory=dict)
    needed: Mapping[str, float] = field(default_factory=dict)
    share: float | None = None
    unknown: str = ""
    outcome: Literal["passed", "failed"] | None = None


def approved(rule: Approval, candidate: Candidate) -> Progress:
    """Of a phase that people decide."""
    names = [said.actor for said in candidate.approvals]
    of = f"{len(names)} of {rule.count} {'approval' if rule.count == 1 else 'approvals'}"
    return Progress(
        text=f"{of}: {', '.join(names)}" if names else of,
        now={"approvals": len(names)},
        needed={"approvals": rule.count},
    )


def measured(rule: Shadow | Canary, judged: Judged) -> Progress:
    """Of a phase whose rows were looked at."""
    if judged.result is not None:
        text = f"{judged.result}, and not written yet: {judged.reason}: ratchet advance"
    else:
        text = "; ".join(filter(None, (_answers(rule), judged.progress, judged.comparison)))
    return Progress(text=text, now=judged.numbers, needed=_asked_for(rule), share=_share(rule), outcome=judged.result)


def unseen(rule: Shadow | Canary, days: float, why: str) -> Progress:
    """Of a phase whose rows are not known here; how many `days` it lasts is."""
    time = f"{min(days, rule.days):.1f} of {rule.days:g} days; " if rule.days is not None else ""
    return Progress(
        text=f"{_answers(rule)}; {time}rows are not known here: {why}",
        now={"days": days},
        needed=_asked_for(rule),
        share=_share(rule),
        unknown=why,
    )


def overtaken(progress: Progress, version: int) -> Progress:
    """Of a phase that stands still: servers try the newest version alone, and that is another."""
    return replace(progress, text=f"{progress.text}; stands still while version {version}, which is newer, is on trial")


def _asked_for(rule: Shadow | Canary) -> dict[str, float]:
    """What a phase of rows asks for; the evidence is that which would end it."""
    needed: dict[str, float | None] = {"rows": rule.rows, "days": rule.days}
    if isinstance(rule, Canary):
        needed |= {"labels": rule.labels or None, "evidence": 1 / rule.alpha}
    return {name: float(value) for name, value in needed.items() if value is not None}


def _share(rule: Shadow | Canary) -> float | None:
    return rule.share if isinstance(rule, Canary) else None


def _answers(rule: Shadow | Canary) -> str:
    return f"answers {rule.share * 100:g}% of the requests" if isinstance(rule, Canary) else "answers nobody"
