"""Doing what can be done now: a phase that rows decide is judged, and what has passed all phases is promoted."""

from __future__ import annotations

from dataclasses import dataclass

from ratchet.core.candidates import Candidate, candidate, candidates
from ratchet.core.ledger_entries import Entry, Line, PhaseEntry, PhaseResult
from ratchet.core.params import Params
from ratchet.core.phase_evidence import Judged
from ratchet.errors import Frozen, PromotionRefused
from ratchet.flows.champion import Trial, ledger, no_trial
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.judge_phase import judge_phase
from ratchet.flows.permission import require_role
from ratchet.flows.promote import put_into_service, serves_already
from ratchet.flows.register import register, standing
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Advanced:
    """Where a candidate stands now, what was written about it, how far its phase is, and why it does not serve yet."""

    candidate: Candidate
    results: tuple[PhaseEntry, ...] = ()
    promoted: Entry | None = None
    progress: str = ""
    stopped: str = ""


def advance(
    settings: Settings,
    run_id: str | None = None,
    *,
    reason: str = "",
    clock: Clock = now,
    trial: Trial = no_trial,
) -> tuple[Advanced, ...]:
    """Take a run's model, or every open candidate, as far as it goes; what waits for people waits.

    Raises PromotionRefused if the run is no candidate: the gate said no. What stops one of several candidates is told,
    not raised. Raises ServiceFailed.
    """
    params = read_params(settings.root)
    if run_id is not None:
        found = register(settings, run_id, reason=reason, clock=clock)
        return (_advance(settings, params, found, reason=reason, clock=clock, trial=trial),)
    require_role(settings, params, "promote")
    waiting = [each for each in candidates(ledger(settings, params).read(), params.project.name, clock()) if each.open]
    return tuple(_advance(settings, params, each, reason=reason, clock=clock, trial=trial) for each in waiting)


def _advance(
    settings: Settings, params: Params, found: Candidate, *, reason: str, clock: Clock, trial: Trial
) -> Advanced:
    results: list[PhaseEntry] = []
    progress = ""
    while found.state == "waiting" and found.phase and (found.phase.shadow or found.phase.canary):
        judged = judge_phase(settings, params, found, now=clock())
        progress = judged.progress
        if judged.result is None:
            break
        try:
            require_role(settings, params, "promote")
        except PromotionRefused as refused:
            return Advanced(candidate=found, results=tuple(results), progress=progress, stopped=str(refused))
        results += _write(settings, params, found, judged, clock=clock)
        found = standing(settings, params, found.version, clock=clock)
    if found.state == "serving":
        serves_already(settings, params, found.version)
    if found.state != "ready":
        return Advanced(candidate=found, results=tuple(results), progress=progress)
    try:
        entry = put_into_service(settings, params, found, reason=reason, clock=clock, trial=trial)
    except Frozen as frozen:
        return Advanced(candidate=found, results=tuple(results), progress=frozen.message)
    except PromotionRefused as refused:
        again = standing(settings, params, found.version, clock=clock)
        return Advanced(candidate=again, results=tuple(results), stopped=str(refused))
    return Advanced(
        candidate=standing(settings, params, found.version, clock=clock), results=tuple(results), promoted=entry
    )


def _write(settings: Settings, params: Params, found: Candidate, judged: Judged, *, clock: Clock) -> list[PhaseEntry]:
    """Write a phase's result, unless somebody else has done so meanwhile."""
    phase = found.phase

    def decide(entries: tuple[Line, ...]) -> PhaseResult | None:
        again = candidate(entries, found.entry.model, found.version, clock())
        if again is None or again.place != found.place or again.state != "waiting" or phase is None:
            return None
        if judged.result is None:
            return None
        return PhaseResult(
            model=found.entry.model,
            version=found.version,
            place=found.place,
            phase=phase.name,
            outcome=judged.result,
            numbers=judged.numbers,
            actor=settings.actor,
            time=stamp(clock()),
            reason=judged.reason,
        )

    written = ledger(settings, params).append_unless(decide, PhaseEntry)
    return [written] if written else []
