"""A decision told to somebody who was not there: the whole of it, or as much of a sealed one as may be told."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.explain import Explanation, explain
from ratchet.errors import UsageError
from ratchet.flows.past_decisions import Found, find
from ratchet.flows.sealed_past import opened
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Explained:
    """The decision, its explanation, and whether it was sealed and is told in full now."""

    found: Found
    explanation: Explanation
    opened: bool


def explained(settings: Settings, *, run_id: str | None = None, at: str | None = None) -> Explained:
    """Explain the decision of a run, of a commit, or the one that is here.

    Raises UsageError if there is none, or it is of another format, TamperedFile, ServiceFailed.
    """
    found = find(settings, run_id=run_id, at=at)
    decision = found.past.decision
    if decision is None:
        raise UsageError(
            f"the decision of {found.name} ({found.past.verdict}) cannot be read: {found.past.unread}",
            next_step="read the file itself, or explain it with the version of Ratchet that made it",
        )
    whole = opened(settings, found)
    return Explained(found=found, explanation=explain(whole or decision), opened=whole is not None)
