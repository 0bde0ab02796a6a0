"""gate: promote, hold or reject, as a record with its evidence. Saying no is a result: the stage itself succeeds.

Where the policy seals the rows that judge, the record in full stays with them, and what is told is the answer.
"""

from __future__ import annotations

from pathlib import Path

from ratchet.core.gate import decide
from ratchet.core.seal import public, seal_of
from ratchet.io import files, layout, sealed
from ratchet.io.progress import say
from ratchet.io.room import read_params


def run(root: Path) -> None:
    """Write the decision record. Raises ServiceFailed if the evidence or the level of this look is not there."""
    policy = read_params(root).gate
    seals = policy.reuse.policy != "open"
    look = sealed.read_look(root) if seals else None
    evidence = sealed.read_evidence(root).model_copy(update={"look": look})
    decision = sealed.unspoken(lambda: decide(evidence, policy)) if seals else decide(evidence, policy)
    sealed.write_decision(root, decision)
    if seals:
        decision = public(decision, seal_of(evidence, sealed.digests(root)))
    files.write_json(root / layout.DECISION, decision.model_dump(mode="json"))
    say(f"gate: {decision.verdict}")
