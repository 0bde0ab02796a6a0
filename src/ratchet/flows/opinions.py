"""What people say about a candidate: approve, reject, hold, release."""

from __future__ import annotations

from typing import Literal

from ratchet.core.candidates import Candidate
from ratchet.core.ledger_entries import Line, Opinion, OpinionEntry
from ratchet.core.phase_walk import objection
from ratchet.core.promotable import require_registered
from ratchet.errors import PromotionRefused
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.reason import require_reason
from ratchet.flows.register import standing
from ratchet.io.room import read_params
from ratchet.settings import Settings

Kind = Literal["approval", "rejection", "hold", "release"]


def give_opinion(
    settings: Settings, version: int, kind: Kind, *, reason: str, link: str = "", clock: Clock = now
) -> tuple[Candidate, bool]:
    """Write what whoever acts says about a version; returns how it stands then, and whether anything was written.

    Saying the same thing twice changes nothing. With a `link` an approval was given elsewhere, such as that of an
    environment: it is written for the record also where the version's phases ask for none.
    Raises UsageError without a reason, PromotionRefused if whoever acts may not, if the version is no candidate (any
    more), or if its approval would not count.
    """
    why = require_reason(f"{'an' if kind == 'approval' else 'a'} {kind}", reason)
    params = read_params(settings.root)
    require_role(settings, params, "approve")
    model = params.project.name

    def decide(entries: tuple[Line, ...]) -> Opinion | None:
        found = require_registered(entries, model, version, clock())
        if _said_already(found, kind, settings.actor) or (link and _linked(entries, found, kind, settings.actor, link)):
            return None
        if not (link and kind == "approval" and found.open and _asks_for_none(found)):
            _require_sense(found, kind, settings.actor)
        return Opinion(
            kind=kind, model=model, version=version, actor=settings.actor, time=stamp(clock()), reason=why,
            link=link,
        )  # fmt: skip

    written = ledger(settings, params).append_unless(decide, OpinionEntry)
    return standing(settings, params, version, clock=clock), written is not None


def _said_already(found: Candidate, kind: Kind, actor: str) -> bool:
    match kind:
        case "approval":
            return any(said.actor == actor for said in found.approvals)
        case "rejection":
            return found.state == "rejected"
        case "hold":
            return found.state == "held"
        case "release":
            return False


def _linked(entries: tuple[Line, ...], found: Candidate, kind: Kind, actor: str, link: str) -> bool:
    """Whether exactly this is in the ledger already, whatever has become of the version since."""
    said = (each for each in entries if isinstance(each, OpinionEntry) and each.model == found.entry.model)
    return any((each.kind, each.version, each.actor, each.link) == (kind, found.version, actor, link) for each in said)


def _asks_for_none(found: Candidate) -> bool:
    return all(phase.approval is None for phase in found.entry.phases)


def _require_sense(found: Candidate, kind: Kind, actor: str) -> None:
    """Raises PromotionRefused if saying it would come to nothing."""
    if not found.open:
        raise PromotionRefused(
            f"version {found.version} is {found.state}: {found.why}", next_step="ratchet queue shows what waits"
        )
    if kind == "release" and found.state != "held":
        raise PromotionRefused(f"version {found.version} is not held", next_step="ratchet queue")
    if kind != "approval":
        return
    rule = found.phase.approval if found.phase else None
    if rule is None:
        where = f"is in phase {found.phase.name}" if found.phase else "has passed all its phases"
        raise PromotionRefused(f"version {found.version} {where}: no approval is asked for", next_step="ratchet queue")
    if why := objection(rule, found.entry, actor):
        raise PromotionRefused(f"this approval would not count: {why}", next_step="ask somebody who may")
