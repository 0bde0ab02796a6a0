"""Doing what can be done now: a phase that rows decide is judged, and what has passed all phases is promoted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ratchet.core.candidates import Candidate, candidate, candidates
from ratchet.core.ledger_entries import Entry, Line, PhaseEntry, PhaseResult
from ratchet.core.params import Params
from ratchet.core.phase_evidence import Judged
from ratchet.core.trials import trial_rule
from ratchet.errors import Frozen, PromotionRefused, UsageError
from ratchet.flows.clock import Clock, stamp
from ratchet.flows.judge_phase import judge_phase
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.promote import Terms, put_into_service, serves_already
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


def advance(settings: Settings, run_id: str | None = None, terms: Terms | None = None) -> tuple[Advanced, ...]:
    """Take a run's model, or every open candidate, as far as it goes; what waits for people waits.

    Raises PromotionRefused if the run is no candidate: the gate said no. What stops one of several candidates is told,
    not raised. Raises UsageError if all are to go without a way back, which is an exception for one; ServiceFailed.
    """
    terms = terms or Terms()
    params = read_params(settings.root)
    if run_id is not None:
        found = register(settings, run_id, reason=terms.reason, clock=terms.clock)
        return (_advance(settings, params, found, terms),)
    if terms.without_way_back:
        raise UsageError(
            "--without-way-back is an exception for one version, and no run is named",
            next_step="ratchet advance RUN_ID --without-way-back; ratchet queue --json has the runs",
        )
    require_role(settings, params, "promote")
    known = candidates(ledger(settings, params).read(), params.project.name, terms.clock())
    return tuple(_advance(settings, params, each, terms) for each in known if each.open)


def _advance(settings: Settings, params: Params, found: Candidate, terms: Terms) -> Advanced:
    results: list[PhaseEntry] = []
    progress = ""
    while trial_rule(found):
        judged = judge_phase(settings, params, found, now=terms.clock())
        progress = judged.progress
        if judged.result is None:
            break
        try:
            require_role(settings, params, "promote")
        except PromotionRefused as refused:
            return Advanced(candidate=found, results=tuple(results), progress=progress, stopped=str(refused))
        results += _write(settings, params, found, judged, clock=terms.clock)
        found = standing(settings, params, found.version, clock=terms.clock)
    if found.state == "serving":
        serves_already(settings, params, found.version)
    if found.state != "ready":
        return Advanced(candidate=found, results=tuple(results), progress=progress)
    return _promote(settings, params, Advanced(candidate=found, results=tuple(results)), terms)


def _promote(settings: Settings, params: Params, done: Advanced, terms: Terms) -> Advanced:
    version = done.candidate.version
    try:
        entry = put_into_service(settings, params, done.candidate, terms)
    except Frozen as frozen:
        return replace(done, progress=frozen.message)
    except PromotionRefused as refused:
        return replace(done, candidate=standing(settings, params, version, clock=terms.clock), stopped=str(refused))
    return replace(done, candidate=standing(settings, params, version, clock=terms.clock), promoted=entry)


def _write(settings: Settings, params: Params, found: Candidate, judged: Judged, *, clock: Clock) -> list[PhaseEntry]:
    """Write a phase's result, if it has one, unless somebody else has done so meanwhile."""
    phase, outcome = found.phase, judged.result
    if phase is None or outcome is None:
        return []

    def decide(entries: tuple[Line, ...]) -> PhaseResult | None:
        again = candidate(entries, found.entry.model, found.version, clock())
        if again is None or again.place != found.place or again.state != "waiting":
            return None
        return PhaseResult(
            model=found.entry.model,
            version=found.version,
            place=found.place,
            phase=phase.name,
            outcome=outcome,
            numbers=judged.numbers,
            actor=settings.actor,
            time=stamp(clock()),
            reason=judged.reason,
        )

    written = ledger(settings, params).append_unless(decide, PhaseEntry)
    return [written] if written else []
