"""What the ledger takes: nothing that skips a phase, and nothing about a version that it does not know.

Held against each entry before it is written, whoever writes it. Which windows `params.yaml` freezes, and whether data
and policy are as they were, is for the use case: the ledger does not know it.
"""

from __future__ import annotations

from datetime import datetime

from ratchet.core.called_freeze import frozen
from ratchet.core.candidates import Candidate, candidate
from ratchet.core.ledger import served, withdrawn
from ratchet.core.ledger_entries import (
    Change,
    Event,
    Line,
    Opinion,
    PhaseResult,
    Registration,
    RegistrationEntry,
)
from ratchet.errors import ChampionChanged, Frozen, PromotionRefused


def require_registered(entries: tuple[Line, ...], model: str, version: int, at: datetime) -> Candidate:
    """Where a version stands. Raises PromotionRefused if there is none of this number."""
    found = candidate(entries, model, version, at)
    if found is None:
        raise PromotionRefused(
            f"version {version} of {model} was never registered",
            next_step="ratchet queue --all lists those that were; ratchet register makes one of a run",
        )
    return found


def require_promotable(entries: tuple[Line, ...], model: str, version: int, at: datetime) -> Candidate:
    """The candidate, if all phases are passed and no freeze was called. Raises PromotionRefused, ChampionChanged."""
    found = require_registered(entries, model, version, at)
    if found.state == "stale":
        raise ChampionChanged(
            f"version {version} was {found.why}", next_step="ratchet run judges against the version that serves"
        )
    if found.state == "withdrawn":
        reason = withdrawn(entries, model)[found.entry.model_digest].reason
        raise PromotionRefused(
            f"this very model was {found.why}{f': {reason}' if reason else ''}",
            next_step="train another one: new data, code or parameters",
        )
    if found.state != "ready":
        raise PromotionRefused(f"version {version} is {found.state}: {found.why}", next_step="ratchet queue")
    if called := frozen(entries, model, at):
        until = f"until {called.until}" if called.until else "until somebody thaws it"
        thaw = "ratchet thaw --all" if called.everything else "ratchet thaw"
        raise Frozen(f"promotions are frozen {until} by {called.actor}: {called.reason}", next_step=f"{thaw}, or wait")
    return found


def require_allowed(entries: tuple[Line, ...], event: Event) -> None:
    """Raises PromotionRefused or ChampionChanged unless the event may follow these entries."""
    at = datetime.fromisoformat(event.time)
    match event:
        case Change(kind="promotion"):
            # A ledger of before versions were registered has promotions alone.
            if any(isinstance(each, RegistrationEntry) and each.model == event.model for each in entries):
                require_promotable(entries, event.model, event.version, at)
        case Change(kind="rollback"):
            _require_served(entries, event)
        case Registration():
            _require_free(entries, event)
        case PhaseResult():
            _require_in_phase(require_registered(entries, event.model, event.version, at), event)
        case Opinion():
            require_registered(entries, event.model, event.version, at)


def _require_served(entries: tuple[Line, ...], change: Change) -> None:
    if all(each.version != change.version for each in served(entries, change.model)):
        raise PromotionRefused(
            f"version {change.version} of {change.model} never served: there is nothing to go back to",
            next_step="ratchet history says what did",
        )


def _require_free(entries: tuple[Line, ...], event: Registration) -> None:
    """A number stands for one run: where MLflow's registry was lost and made anew, it begins at 1 again."""
    for each in entries:
        if not isinstance(each, Change | Registration):
            continue
        if (each.model, each.version) == (event.model, event.version) and each.run_id != event.run_id:
            raise PromotionRefused(
                f"the ledger knows version {event.version} of {event.model} as run {each.run_id}, and MLflow's "
                f"registry as run {event.run_id}",
                next_step="restore the registry that the ledger was written with; ratchet history shows the ledger",
            )


def _require_in_phase(found: Candidate, event: PhaseResult) -> None:
    phase = found.phase
    if found.state != "waiting" or phase is None or (found.place, phase.name) != (event.place, event.phase):
        raise PromotionRefused(
            f"version {event.version} is {found.state} in phase {found.place + 1}"
            f"{f' ({phase.name})' if phase else ''}: the result of phase {event.place + 1} ({event.phase}) is not due",
            next_step="ratchet queue",
        )
