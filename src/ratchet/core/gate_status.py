"""The commit status that carries the verdict, and may be required for merging. Green is what was shown to be fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ratchet.core.decision import Decision

CONTEXT = "ratchet/gate"
LONGEST = 140
"""The longest description that GitHub takes, in characters."""


@dataclass(frozen=True, kw_only=True)
class GateStatus:
    """A state of GitHub's, and one line that says why."""

    state: Literal["error", "failure", "pending", "success"]
    description: str


def of_decision(decision: Decision) -> GateStatus:
    """Green for a promotion, and where the model is the very one that serves: merging then changes nothing served."""
    if decision.evidence.challenger_is_champion:
        return GateStatus(state="success", description="same model: the change makes the model that already serves")
    state: Literal["success", "failure"] = "success" if decision.verdict == "promote" else "failure"
    return GateStatus(state=state, description=shorten(f"{decision.verdict}: {decision.reason}"))


def of_no_decision(result: str) -> GateStatus:
    """The run ended without a decision; `result` is how (failure, cancelled, skipped), as far as it is known."""
    ended = f"training ended with: {result}" if result and result != "success" else "the run left no decision"
    return GateStatus(state="error", description=shorten(f"no verdict: {ended}"))


PENDING = GateStatus(state="pending", description="the change is being trained and judged")


def shorten(text: str) -> str:
    """One line of at most LONGEST characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"
