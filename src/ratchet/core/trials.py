"""Which version is on trial beside the champion, and whom a canary answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from ratchet.core.candidates import Candidate
from ratchet.core.ledger_entries import RegistrationEntry
from ratchet.core.phases import Canary, Shadow
from ratchet.core.section import Section

TrialPhase = Literal["shadow", "canary"]
HASHES = 2.0**64


class TrialPlan(Section):
    """A version on trial: what a server that runs it has to know."""

    entry: RegistrationEntry
    phase: TrialPhase
    place: Annotated[int, Field(ge=0)] = Field(description="of the phase among the candidate's, from 0")
    since: str = Field(description="when the phase began: ISO 8601, UTC")
    share: Annotated[float, Field(ge=0, le=1)] = Field(description="of the requests that it answers; 0 in a shadow")


def trial_rule(candidate: Candidate) -> Shadow | Canary | None:
    """What is asked of the candidate by rows, now; None if it waits for something else, or for nothing any more."""
    if candidate.state != "waiting" or candidate.phase is None:
        return None
    return candidate.phase.shadow or candidate.phase.canary


def on_trial(candidates: Iterable[Candidate]) -> TrialPlan | None:
    """The one version that servers try: of those in a shadow or canary phase, the newest."""
    trying = [each for each in candidates if trial_rule(each)]
    return _plan(max(trying, key=lambda each: each.version)) if trying else None


def answers(key: str, *, version: int, share: float) -> bool:
    """Whether the canary answers whoever has this key: always the same for one version, another draw for the next.

    A larger share answers everybody that a smaller one does.

    >>> answers("ana", version=1, share=0.0), answers("ana", version=1, share=1.0)
    (False, True)
    """
    digest = hashlib.blake2b(f"{version}:{key}".encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * HASHES


def _plan(candidate: Candidate) -> TrialPlan:
    rule = trial_rule(candidate)
    return TrialPlan(
        entry=candidate.entry,
        phase="canary" if isinstance(rule, Canary) else "shadow",
        place=candidate.place,
        since=candidate.since.isoformat(),
        share=rule.share if isinstance(rule, Canary) else 0.0,
    )
