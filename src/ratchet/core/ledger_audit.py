"""Looking over a whole ledger afterwards: whether each promotion had passed its phases by what was said before it.

An append is held to that as well. This finds what was written past it: by another program, or by hand with right
hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from ratchet.core.ledger_entries import Entry, EraseEntry, FreezeEntry, Line, OverrideEntry, RegistrationEntry
from ratchet.core.promotable import require_promotable
from ratchet.errors import PromotionRefused


@dataclass
class Audit:
    """What was found: promotions that were looked at, those of before versions were registered, and what is wrong."""

    promotions: int = 0
    unregistered: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class _Told:
    """Of one model, up to some entry: what is said about each version, of all, and of a decision."""

    serving: Entry | None = None
    registered: bool = False
    versions: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    overrides: dict[str, list[Line]] = field(default_factory=lambda: defaultdict(list))


def audit(entries: Iterable[Line]) -> Audit:
    """Hold each promotion against the entries before it, and each rollback against what ever served."""
    found = Audit()
    models: dict[str, _Told] = defaultdict(_Told)
    freezes: list[Line] = []
    for entry in entries:
        told = models[entry.model]
        if isinstance(entry, Entry):
            _look(found, told, freezes, entry)
            told.serving = entry
        if isinstance(entry, FreezeEntry):
            freezes.append(entry)
        elif isinstance(entry, OverrideEntry):
            told.overrides[entry.decision_digest].append(entry)
        elif not isinstance(entry, EraseEntry):
            told.registered |= isinstance(entry, RegistrationEntry)
            told.versions[entry.version].append(entry)
    return found


def _look(found: Audit, told: _Told, freezes: list[Line], entry: Entry) -> None:
    before = told.serving.version if told.serving else None
    if entry.replaces != before:
        found.problems.append(f"entry {entry.sequence} replaces version {entry.replaces}, and {before} served")
    if entry.kind == "rollback":
        if not any(isinstance(each, Entry) for each in told.versions.get(entry.version, ())):
            found.problems.append(f"entry {entry.sequence} goes back to version {entry.version}, which never served")
        return
    found.promotions += 1
    if not told.registered:
        found.unregistered += 1
        return
    try:
        require_promotable(
            _before(told, freezes, entry), entry.model, entry.version, datetime.fromisoformat(entry.time)
        )
    except PromotionRefused as refused:
        found.problems.append(f"entry {entry.sequence} promotes what was not ready: {refused.message}")


def _before(told: _Told, freezes: list[Line], entry: Entry) -> tuple[Line, ...]:
    """Of the entries before a promotion those that decide about it: its own, what served, overrides and freezes."""
    mine = told.versions.get(entry.version, [])
    serving = [told.serving] if told.serving and told.serving.version != entry.version else []
    every = [*mine, *serving, *told.overrides.get(entry.decision_digest, []), *freezes]
    return tuple(sorted(every, key=lambda each: each.sequence))
