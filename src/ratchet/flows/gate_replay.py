"""Replaying decisions of the past: decided again from their own evidence and policy, and held against the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.core.ledger import served
from ratchet.core.ledger_entries import Entry
from ratchet.core.replay import Difference, Replay, replay
from ratchet.errors import UsageError
from ratchet.flows.ledger import ledger
from ratchet.flows.past_decisions import Found, find, newest
from ratchet.flows.sealed_past import consumed, kept_back
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A decision, how its replay ended, and the ledger's entries that were made on it, by their numbers."""

    found: Found
    replay: Replay
    entries: tuple[int, ...]


def replayed(
    settings: Settings, *, run_id: str | None = None, at: str | None = None, everything: bool = False
) -> tuple[Replayed, ...]:
    """Replay the decision of a run, of a commit, or the one that is here; or all that are recorded, newest first.

    Raises UsageError, ServiceFailed; TamperedFile if the ledger is broken.
    """
    if everything and (run_id or at):
        raise UsageError("--all and a single decision are two wishes", next_step="leave one of them out")
    decisions = newest(settings) if everything else (find(settings, run_id=run_id, at=at),)
    params = read_params(settings.root)
    entries = served(ledger(settings, params).read(), params.project.name)
    return tuple(_replayed(settings, found, entries) for found in decisions)


def _replayed(settings: Settings, found: Found, entries: Sequence[Entry]) -> Replayed:
    decision = found.past.decision
    may_tell = decision is None or decision.seal is None or consumed(settings.root, decision.seal)
    result = replay(found.past, kept_back(settings, found), may_tell=may_tell)
    made = [entry for entry in entries if entry.decision_digest == found.digest or _is_of(entry, found)]
    wrong = [
        Difference(field=f"ledger entry {each.sequence}: SHA-256 of the decision", recorded=each.decision_digest,
                   again=found.digest)
        for each in made if each.decision_digest != found.digest
    ]  # fmt: skip
    if wrong:
        result = Replay(state="differs", differences=(*wrong, *result.differences), note=result.note)
    return Replayed(found=found, replay=result, entries=tuple(each.sequence for each in made))


def _is_of(entry: Entry, found: Found) -> bool:
    """Whether the ledger says that this run's decision put the model into service."""
    return bool(found.run_id) and entry.run_id == found.run_id
