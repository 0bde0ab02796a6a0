"""Freezes: nothing is promoted until a moment, or until somebody thaws it."""

from __future__ import annotations

from ratchet.core.called_freeze import frozen
from ratchet.core.ledger_entries import Freeze, FreezeEntry, Line
from ratchet.errors import UsageError
from ratchet.flows.clock import Clock, moment, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.reason import require_reason
from ratchet.io.room import read_params
from ratchet.settings import Settings


def freeze(
    settings: Settings, *, reason: str, until: str | None = None, everything: bool = False, clock: Clock = now
) -> FreezeEntry:
    """Promote nothing of this model, or of all, until a moment or a thaw. Raises UsageError, PromotionRefused."""
    said = require_reason("a freeze", reason)
    end = moment(until) if until else None
    if end is not None and end <= clock():
        raise UsageError(f"--until {until} is past", next_step="name a moment to come")
    params = read_params(settings.root)
    require_role(settings, params, "freeze")
    made = Freeze(
        kind="freeze", model=params.project.name, actor=settings.actor, time=stamp(clock()), reason=said,
        until=stamp(end) if end else "", everything=everything,
    )  # fmt: skip
    return ledger(settings, params).append(lambda _: made, FreezeEntry)


def lasting(settings: Settings, *, clock: Clock = now) -> FreezeEntry | None:
    """The freeze of this model, or of all, that lasts now. Raises TamperedFile, ServiceFailed."""
    params = read_params(settings.root)
    return frozen(ledger(settings, params).read(), params.project.name, clock())


def thaw(settings: Settings, *, reason: str, everything: bool = False, clock: Clock = now) -> FreezeEntry | None:
    """End a freeze; None if there was none of this kind. Raises UsageError, PromotionRefused."""
    said = require_reason("a thaw", reason)
    params = read_params(settings.root)
    require_role(settings, params, "freeze")
    model = params.project.name

    def decide(entries: tuple[Line, ...]) -> Freeze | None:
        of_this_kind = [each for each in entries if getattr(each, "everything", False) == everything]
        if frozen(of_this_kind, model, clock()) is None:
            return None
        return Freeze(
            kind="thaw", model=model, actor=settings.actor, time=stamp(clock()), reason=said,
            everything=everything,
        )  # fmt: skip

    return ledger(settings, params).append_unless(decide, FreezeEntry)
