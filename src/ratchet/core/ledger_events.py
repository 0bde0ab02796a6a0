"""What the ledger's entries mean to somebody who is told of them: each entry's own event, and what it leads to.

Events are derived, never kept: the same entries give the same events with the same ids, so a message that arrives twice
can be told from a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ratchet.core.candidates import Candidate, candidate
from ratchet.core.ledger_entries import (
    EraseEntry,
    FreezeEntry,
    Line,
    OpinionEntry,
    OverrideEntry,
    PhaseEntry,
    RegistrationEntry,
)
from ratchet.core.webhooks import EventName

OF_KIND: Mapping[str, EventName] = {
    "registered": "registered",
    "approval": "approved",
    "rejection": "rejected",
    "hold": "held",
    "release": "released",
    "promotion": "promoted",
    "rollback": "rolled_back",
    "freeze": "frozen",
    "thaw": "thawed",
    "override": "overridden",
    "erase": "erased",
}
"""By kind of entry; a phase that was judged is `passed` or leads to `refused`."""


@dataclass(frozen=True, kw_only=True)
class LedgerEvent:
    """Something that happened to a model, and the entry that says so.

    `version` is None where the entry is about no single one; `candidate` is where that version stood right after.
    """

    name: EventName
    entry: Line
    version: int | None
    candidate: Candidate | None = None

    @property
    def identity(self) -> str:
        """Always the same for the same event."""
        return f"{self.entry.hash}-{self.name}"

    def data(self, model: str) -> dict[str, Any]:
        """What the message says, without links; what does not apply is left out."""
        found, entry = self.candidate, self.entry
        told = {
            "model": model,
            "version": self.version,
            "actor": entry.actor,
            "reason": found.why if found and self.name == "refused" else entry.reason,
            "run": getattr(entry, "run_id", None) or (found.entry.run_id if found else None),
            "commit": getattr(entry, "commit", None) or (found.entry.commit if found else None),
            "phase": entry.phase if isinstance(entry, PhaseEntry) else None,
            "replaces": getattr(entry, "replaces", None),
            "no_way_back": getattr(entry, "no_way_back", None) or None,
            "until": entry.until or None if isinstance(entry, FreezeEntry) else None,
            "batches": list(entry.batches) if isinstance(entry, EraseEntry) else None,
            "waits_for": list(found.people) if found and self.name == "waiting" else None,
            "entry": entry.sequence,
            "hash": entry.hash,
        }
        return {name: value for name, value in told.items() if value is not None}


def ledger_events(entries: Sequence[Line], model: str, *, after: int) -> Iterator[LedgerEvent]:
    """The events of `model` in the entries behind the one of number `after`, in their order.

    `waiting` is when a version comes into a phase that waits for people, `refused` when the gate or a phase said no.
    """
    for place, entry in enumerate(entries):
        if entry.sequence > after and _concerns(entry, model):
            yield from _events(entries[: place + 1], model)


def _concerns(entry: Line, model: str) -> bool:
    return entry.model == model or (isinstance(entry, FreezeEntry) and entry.everything)


def _events(entries: Sequence[Line], model: str) -> Iterator[LedgerEvent]:
    """Those of the last entry."""
    entry, at = entries[-1], datetime.fromisoformat(entries[-1].time)
    version = _version(entries)
    now = candidate(entries, model, version, at) if version is not None else None
    before = candidate(entries[:-1], model, version, at) if version is not None else None
    if name := _own(entry):
        yield LedgerEvent(name=name, entry=entry, version=version, candidate=now)
    if version is None or now is None:
        return
    if _waits(now) and not (before and _waits(before) and before.place == now.place):
        yield LedgerEvent(name="waiting", entry=entry, version=version, candidate=now)
    if now.state in ("refused", "failed") and not (before and before.state == now.state):
        yield LedgerEvent(name="refused", entry=entry, version=version, candidate=now)


def _own(entry: Line) -> EventName | None:
    if isinstance(entry, PhaseEntry):
        return "passed" if entry.outcome == "passed" else None
    return OF_KIND[entry.kind]


def _version(entries: Sequence[Line]) -> int | None:
    """The version that the last entry is about; of an override, that of the decision it names."""
    entry = entries[-1]
    if isinstance(entry, OverrideEntry):
        made = (each for each in entries if isinstance(each, RegistrationEntry) and each.model == entry.model)
        return next((each.version for each in made if each.decision_digest == entry.decision_digest), None)
    return None if isinstance(entry, FreezeEntry | EraseEntry) else entry.version


def _waits(found: Candidate) -> bool:
    return found.state == "waiting" and found.phase is not None and found.phase.approval is not None


def said_at(entry: Line) -> str:
    """Where a person said it, as an address; empty where none is known."""
    return entry.link if isinstance(entry, OpinionEntry) else ""
