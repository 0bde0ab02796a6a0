"""How far a registered version has come through its phases, by what the ledger says about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ratchet.core.ledger_entries import Line, OpinionEntry, OverrideEntry, PhaseEntry, RegistrationEntry
from ratchet.core.phases import Approval, Phase


@dataclass
class VersionRecord:
    """What the ledger says about one version."""

    entry: RegistrationEntry
    approvals: list[OpinionEntry] = field(default_factory=list)
    results: list[PhaseEntry] = field(default_factory=list)
    rejected: OpinionEntry | None = None
    held: OpinionEntry | None = None
    overrides: list[OverrideEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Walk:
    """How far a version has come by the phases alone; `sequence` is of the entry that brought it there."""

    place: int
    since: datetime
    sequence: int
    approvals: tuple[OpinionEntry, ...] = ()
    refused: str = ""
    failed: PhaseEntry | None = None


def records_of(entries: Iterable[Line], model: str) -> dict[int, VersionRecord]:
    """What the ledger says about each registered version of a model, oldest registration first."""
    records: dict[int, VersionRecord] = {}
    # An override may come before the version that it is about is registered.
    overrides: dict[str, list[OverrideEntry]] = {}
    for entry in entries:
        if entry.model != model:
            continue
        if isinstance(entry, RegistrationEntry):
            records.setdefault(entry.version, VersionRecord(entry))
        elif isinstance(entry, OverrideEntry):
            overrides.setdefault(entry.decision_digest, []).append(entry)
        elif isinstance(entry, PhaseEntry) and entry.version in records:
            records[entry.version].results.append(entry)
        elif isinstance(entry, OpinionEntry) and entry.version in records:
            _hear(records[entry.version], entry)
    for each in records.values():
        each.overrides = overrides.get(each.entry.decision_digest, [])
    return records


def _hear(record: VersionRecord, said: OpinionEntry) -> None:
    match said.kind:
        case "approval":
            record.approvals.append(said)
        case "rejection":
            record.rejected = record.rejected or said
        case "hold":
            record.held = said
        case "release":
            record.held = None


def walk_of(record: VersionRecord, now: datetime) -> Walk:
    """Through the phases in their order, as far as they were passed."""
    at = Walk(0, datetime.fromisoformat(record.entry.time), record.entry.sequence)
    for phase in record.entry.phases:
        if phase.gate is not None:
            passed = _gate_passed(record, now)
            after = (
                at if passed else replace(at, refused=f"the gate says {record.entry.verdict}: {record.entry.decided}")
            )
        elif phase.approval is not None:
            passed, after = _approved(phase.approval, record, at, now)
        else:
            passed, after = _tried(phase, record, at)
        if not passed:
            return after
        at = replace(after, place=at.place + 1, approvals=())
    return at


def _approved(rule: Approval, record: VersionRecord, at: Walk, now: datetime) -> tuple[bool, Walk]:
    """An approval is of the phase that the version is in when it is given, not of one to come."""
    # What was approved when a later phase was judged has done its work, though it may be void by now.
    judged = next((datetime.fromisoformat(each.time) for each in record.results if each.place > at.place), now)
    given = (said for said in record.approvals if said.sequence > at.sequence)
    counted = _counting(rule, record.entry, given, judged)
    if len(counted) < rule.count:
        return False, replace(at, approvals=counted)
    return True, _moved(at, counted[rule.count - 1])


def _tried(phase: Phase, record: VersionRecord, at: Walk) -> tuple[bool, Walk]:
    """The first result of this very phase counts, from the moment the version came to it."""
    mine = (each for each in record.results if (each.place, each.phase) == (at.place, phase.name))
    result = next((each for each in mine if each.sequence > at.sequence), None)
    if result is None or result.outcome == "failed":
        return False, replace(at, failed=result)
    return True, _moved(at, result)


def _moved(at: Walk, by: OpinionEntry | PhaseEntry) -> Walk:
    return replace(at, since=max(at.since, datetime.fromisoformat(by.time)), sequence=by.sequence)


def _gate_passed(record: VersionRecord, now: datetime) -> bool:
    """Whether the gate says promote, or each failed condition is overridden at `now`.

    Which conditions nobody can take upon themselves is for whoever writes the override, and promotes by it.
    """
    alive = (each for each in record.overrides if datetime.fromisoformat(each.expires) > now)
    taken = {name for each in alive for name in each.conditions}
    return record.entry.verdict == "promote" or (bool(taken) and taken.issuperset(record.entry.failed))


def _counting(
    rule: Approval, entry: RegistrationEntry, approvals: Iterable[OpinionEntry], moment: datetime
) -> tuple[OpinionEntry, ...]:
    """The approvals that count at `moment`: of different people who may, did not make it, and said so lately."""
    out: dict[str, OpinionEntry] = {}
    for said in approvals:
        at = datetime.fromisoformat(said.time)
        if at <= moment < at + timedelta(days=rule.expires_days) and not objection(rule, entry, said.actor):
            out.setdefault(said.actor, said)
    return tuple(out.values())


def objection(rule: Approval, entry: RegistrationEntry, actor: str) -> str:
    """Why this person's approval does not count; empty if it does."""
    if rule.of and actor not in rule.of:
        return f"{actor} is not among those who may: {', '.join(rule.of)}"
    if rule.not_author and actor in entry.authors:
        return f"{actor} made the change: somebody else must approve"
    return ""
