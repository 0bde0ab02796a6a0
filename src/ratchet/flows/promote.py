"""Promotion: compare-and-set on the ledger, and the registry's alias follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ratchet.core.candidates import Candidate
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Change, Entry, Line, Overridden
from ratchet.core.override import overrides, overriding
from ratchet.core.params import Params
from ratchet.errors import ChampionChanged
from ratchet.flows.alias import follow
from ratchet.flows.charge import answer_look, require_paid
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.permission import require_role
from ratchet.flows.promotable import require_ready, require_same
from ratchet.flows.reason import require_reason
from ratchet.flows.recorded_run import RecordedRun, read_run
from ratchet.flows.register import register
from ratchet.flows.rehearse import Probe, rehearse
from ratchet.flows.way_back import rehearse_way_back
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms something is promoted: why (the gate's words, if empty), by which clock, and after which probe.

    `probe` is given the model's verified folder before the ledger is asked; nothing changes if it raises.
    `without_way_back` promotes also if the version that serves does not load any more; the ledger keeps how it failed.
    Raises UsageError if that is asked for without a reason.
    """

    reason: str = ""
    clock: Clock = now
    probe: Probe | None = None
    without_way_back: bool = False

    def __post_init__(self) -> None:
        if self.without_way_back:
            require_reason("a promotion without a way back", self.reason)


def promote(settings: Settings, run_id: str | None = None, terms: Terms | None = None) -> Entry:
    """Let the model of a recorded run serve: it is registered, if it was not, and must have passed all its phases.

    `run_id` None takes the run of what is here. Promoting what already serves changes nothing.
    Raises PromotionRefused if it is no candidate (any more), waits for something, or nothing may be promoted today;
    ChampionChanged if another champion serves by now, or the data or the policy is another; ServiceFailed.
    """
    terms = terms or Terms()
    params = read_params(settings.root)
    found = register(settings, run_id, reason=terms.reason, clock=terms.clock)
    if found.state == "serving":
        return serves_already(settings, params, found.version)
    return put_into_service(settings, params, found, terms)


def put_into_service(settings: Settings, params: Params, found: Candidate, terms: Terms) -> Entry:
    """Promote a registered candidate. Raises what `promote` does."""
    require_role(settings, params, "promote")
    branch = ledger(settings, params)
    known = branch.read()
    require_ready(params, known, found.version, terms.clock())
    require_same(settings, params, found.entry)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        # Before the ledger names a version that the alias could then not follow.
        store.require_promoter()
        made = read_run(store, store.get_run(found.entry.run_id))
        allowed = _overridden(known, params.project.name, made, terms.clock())
        require_paid(settings, params, made.decision)
        # Should the run have ended between the decision and its answer, later levels must know of this promotion.
        answer_look(settings, params, made.decision, clock=terms.clock)
        rehearse(settings, params, found.entry, terms.probe)
        serving = champion(known, params.project.name)
        lost = rehearse_way_back(settings, params, serving, waived=terms.without_way_back)

        def decide(entries: tuple[Line, ...]) -> Change | None:
            serves = champion(entries, params.project.name)
            if serves is not None and serves.version == found.version:
                return None
            # What serves by now is the version that was rehearsed, or the candidate is stale.
            require_ready(params, entries, found.version, terms.clock())
            change = _promotion(settings, found, serves, reason=terms.reason, time=terms.clock())
            return change.model_copy(update={"overrides": allowed, "no_way_back": lost})

        entry = branch.append_unless(decide, Entry)
        if entry is not None:
            follow(branch, store, params, entry)
    return entry or serves_already(settings, params, found.version)


def serves_already(settings: Settings, params: Params, version: int) -> Entry:
    """What an earlier call, or somebody else, has promoted; the alias may not have followed."""
    branch = ledger(settings, params)
    serving = branch.champion(params.project.name)
    if serving is None or serving.version != version:
        raise ChampionChanged(
            f"another version serves by now: {serving.version if serving else 'none'} instead of {version}",
            next_step="ratchet history says what happened",
        )
    with tracking(settings.mlflow_uri, params.project.name) as store:
        follow(branch, store, params, serving)
    return serving


def _overridden(entries: Sequence[Line], model: str, made: RecordedRun, now: datetime) -> tuple[Overridden, ...]:
    """What lets a decision of another verdict serve; nothing for one that says promote. Raises PromotionRefused."""
    if made.decision.verdict == "promote":
        return ()
    found = overriding(overrides(entries, model), made.decision, digest=made.decision_digest, now=now)
    return tuple(
        Overridden(conditions=each.conditions, reason=each.reason, actor=each.actor, expires=each.expires)
        for each in found
    )


def _promotion(settings: Settings, found: Candidate, serving: Entry | None, *, reason: str, time: datetime) -> Change:
    entry = found.entry
    return Change(
        kind="promotion",
        model=entry.model,
        version=entry.version,
        replaces=serving.version if serving else None,
        run_id=entry.run_id,
        fingerprint=entry.fingerprint,
        model_digest=entry.model_digest,
        seal=entry.seal,
        decision_digest=entry.decision_digest,
        commit=entry.commit,
        trained_on=entry.trained_on,
        metrics=entry.metrics,
        actor=settings.actor,
        time=stamp(time),
        reason=reason or entry.decided,
    )
