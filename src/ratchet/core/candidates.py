"""Where each registered version stands, derived from the ledger alone: what it waits for, since when, for whom.

A version goes through its phases in the order that was declared when it was registered. It is out of the running as
soon as somebody rejects it, a phase fails, another champion serves than the one it was compared with, or a newer
version that was compared with the same one has come as far as it has.

The time is never before the ledger's last entry: a clock that is behind neither revives what is over nor overlooks what
was just said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ratchet.core.ledger import champion, not_loading, served, withdrawn
from ratchet.core.ledger_entries import Entry, Line, OpinionEntry, RegistrationEntry
from ratchet.core.phase_walk import VersionRecord, Walk, records_of, walk_of
from ratchet.core.phases import Approval, Phase

State = Literal[
    "waiting", "ready", "held", "refused", "rejected", "failed", "stale", "superseded", "serving", "served", "withdrawn"
]
OPEN: tuple[State, ...] = ("waiting", "ready", "held")
"""States that may still lead into service."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A registered version and where it stands.

    `place` is the number of phases it has passed; `since` when it came to the next one; `people` who may say the next
    word (empty: anybody, or no person at all); `approvals` those that count for the phase it is in.
    """

    entry: RegistrationEntry
    state: State
    why: str
    place: int
    since: datetime
    approvals: tuple[OpinionEntry, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """Of the registered model."""
        return self.entry.version

    @property
    def phase(self) -> Phase | None:
        """The phase it is in; None when it has passed all."""
        phases = self.entry.phases
        return phases[self.place] if self.place < len(phases) else None

    @property
    def open(self) -> bool:
        """Whether it may still come into service."""
        return self.state in OPEN


def candidates(entries: Sequence[Line], model: str, now: datetime) -> tuple[Candidate, ...]:
    """All versions of `model` that were ever registered, oldest first, as they stand at `now` (timezone-aware)."""
    records = records_of(entries, model)
    now = max(now, datetime.fromisoformat(entries[-1].time)) if entries else now
    walks = {version: walk_of(each, now) for version, each in records.items()}
    serving = champion(entries, model)
    ever = {entry.version for entry in served(entries, model)}
    back, lost = withdrawn(entries, model), not_loading(entries, model)
    newer = _newer(walks, records, ever)
    out: list[Candidate] = []
    for version, each in records.items():
        walk = walks[version]
        if serving is not None and serving.version == version:
            state: tuple[State, str] = ("serving", f"since {serving.time}{_no_way_back(serving)}")
        elif each.entry.model_digest in back:
            state = ("withdrawn", f"rolled back on {back[each.entry.model_digest].time}")
        elif version in ever:
            gone = f"; it did not load on {lost[version].time}" if version in lost else ""
            state = ("served", f"another version serves by now{gone}")
        else:
            state = _before_service(each, walk, serving.version if serving else None, newer.get(version))
        out.append(_candidate(each.entry, walk, state))
    return tuple(out)


def candidate(entries: Sequence[Line], model: str, version: int, now: datetime) -> Candidate | None:
    """One of them, or None if it was never registered."""
    return next((each for each in candidates(entries, model, now) if each.version == version), None)


def _no_way_back(serving: Entry) -> str:
    return f"; no way back to version {serving.replaces}, which did not load" if serving.no_way_back else ""


def _newer(walks: dict[int, Walk], records: dict[int, VersionRecord], ever: set[int]) -> dict[int, int]:
    """By version: a newer one that was compared with the same champion, has come as far, and is not out.

    What it closed stays closed when the newer one has served: going back from it is no promotion of an older one.
    """
    out: dict[int, int] = {}
    furthest: dict[int | None, tuple[int, int]] = {}
    for version in sorted(records, reverse=True):
        each, walk = records[version], walks[version]
        place, newer = furthest.get(each.entry.champion, (0, 0))
        if place and place >= walk.place:
            out[version] = newer
        mine = len(each.entry.phases) if version in ever else walk.place
        closed = version not in ever and (walk.refused or walk.failed or each.rejected or each.held)
        if mine > place and not closed:
            furthest[each.entry.champion] = (mine, version)
    return out


def _before_service(record: VersionRecord, walk: Walk, serving: int | None, newer: int | None) -> tuple[State, str]:
    """The first that is true, in the order in which people want to be record."""
    was = record.entry.champion
    found: tuple[tuple[object, State, str], ...] = (
        (record.rejected, "rejected", _who(record.rejected)),
        (walk.failed, "failed", f"{walk.failed.phase}: {walk.failed.reason}" if walk.failed else ""),
        (
            was != serving,
            "stale",
            f"compared with version {was or 'none'}, and version {serving or 'none'} serves: ratchet run judges again",
        ),
        (walk.refused, "refused", walk.refused),
        (newer, "superseded", f"version {newer} is newer and has come as far"),
        (record.held, "held", _who(record.held)),
        (walk.place == len(record.entry.phases), "ready", "every phase is passed: ratchet promote"),
    )
    return next(((state, why) for true, state, why in found if true), ("waiting", ""))


def _who(said: OpinionEntry | None) -> str:
    return f"by {said.actor}: {said.reason}" if said else ""


def _candidate(entry: RegistrationEntry, walk: Walk, state: tuple[State, str]) -> Candidate:
    phase = entry.phases[walk.place] if walk.place < len(entry.phases) else None
    rule = phase.approval if phase and state[0] == "waiting" else None
    given = {said.actor for said in walk.approvals}
    return Candidate(
        entry=entry,
        state=state[0],
        why=state[1] or (_waits_for(phase, walk) if phase else ""),
        place=walk.place,
        since=walk.since,
        approvals=walk.approvals,
        people=tuple(name for name in rule.of if name not in {*given, *_authors(rule, entry)}) if rule else (),
    )


def _authors(rule: Approval, entry: RegistrationEntry) -> tuple[str, ...]:
    return entry.authors if rule.not_author else ()


def _waits_for(phase: Phase, walk: Walk) -> str:
    if phase.approval is not None:
        left = phase.approval.count - len(walk.approvals)
        return f"{left} more {'approval' if left == 1 else 'approvals'}"
    if stretch := phase.shadow or phase.canary:
        parts = [f"{stretch.rows:,} rows" if stretch.rows else "", f"{stretch.days:g} days" if stretch.days else ""]
        if phase.canary and phase.canary.labels:
            parts.append(f"{phase.canary.labels:,} labels")
        return f"{phase.name}: {', '.join(filter(None, parts))}"
    return phase.name
