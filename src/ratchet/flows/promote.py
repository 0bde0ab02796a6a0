"""Promotion and rollback: compare-and-set on the ledger, and the registry's alias follows."""

from __future__ import annotations

from datetime import datetime

from ratchet.core.candidates import Candidate
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Change, Entry, Line, Overridden
from ratchet.core.override import overriding
from ratchet.core.params import Params
from ratchet.errors import ChampionChanged, PromotionRefused
from ratchet.flows.alias import follow
from ratchet.flows.champion import Trial, ledger, no_trial, rehearse
from ratchet.flows.charge import answer_look, require_paid
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.gate_override import overrides
from ratchet.flows.permission import require_role
from ratchet.flows.promotable import require_ready, require_same
from ratchet.flows.recorded_run import RecordedRun, read_run
from ratchet.flows.register import register
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


def promote(
    settings: Settings, run_id: str | None = None, *, reason: str = "", clock: Clock = now, trial: Trial = no_trial
) -> Entry:
    """Let the model of a recorded run serve: it is registered, if it was not, and must have passed all its phases.

    `run_id` None takes the run of what is here. Promoting what already serves changes nothing. `trial` is given the
    model's verified folder before the ledger is asked; nothing changes if it raises.
    Raises PromotionRefused if it is no candidate (any more), waits for something, or nothing may be promoted today;
    ChampionChanged if another champion serves by now, or the data or the policy is another; ServiceFailed.
    """
    params = read_params(settings.root)
    found = register(settings, run_id, reason=reason, clock=clock)
    if found.state == "serving":
        return serves_already(settings, params, found.version)
    return put_into_service(settings, params, found, reason=reason, clock=clock, trial=trial)


def put_into_service(
    settings: Settings,
    params: Params,
    found: Candidate,
    *,
    reason: str = "",
    clock: Clock = now,
    trial: Trial = no_trial,
) -> Entry:
    """Promote a registered candidate. Raises what `promote` does."""
    require_role(settings, params, "promote")
    branch = ledger(settings, params)
    require_ready(params, branch.read(), found.version, clock())
    require_same(settings, params, found.entry)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        # Before the ledger names a version that the alias could then not follow.
        store.require_promoter()
        made = read_run(store, store.get_run(found.entry.run_id))
        allowed = _overridden(branch.read(), params.project.name, made, clock)
        require_paid(settings, params, made.decision)
        # Should the run have ended between the decision and its answer, later levels must know of this promotion.
        answer_look(settings, params, made.decision, clock=clock)
        rehearse(settings, params, trial, run_id=found.entry.run_id, seal=found.entry.seal)
        _rehearse_way_back(settings, params, branch.read())

        def decide(entries: tuple[Line, ...]) -> Change | None:
            serving = champion(entries, params.project.name)
            if serving is not None and serving.version == found.version:
                return None
            require_ready(params, entries, found.version, clock())
            return _promotion(settings, found, serving, allowed, reason=reason, time=clock())

        entry = branch.append_unless(decide, Entry)
        if entry is not None:
            follow(branch, store, params, entry)
    return entry or serves_already(settings, params, found.version)


def serves_already(settings: Settings, params: Params, version: int) -> Entry:
    """What an earlier call, or somebody else, has promoted; the alias may not have followed."""
    branch = ledger(settings, params)
    serving = branch.champion(params.project.name)
    if serving is None or serving.version != version:
        raise ChampionChanged("another version serves by now", next_step="ratchet history")
    with tracking(settings.mlflow_uri, params.project.name) as store:
        follow(branch, store, params, serving)
    return serving


def _overridden(entries: tuple[Line, ...], model: str, made: RecordedRun, clock: Clock) -> tuple[Overridden, ...]:
    """What lets a decision of another verdict serve; nothing for one that says promote. Raises PromotionRefused."""
    if made.decision.verdict == "promote":
        return ()
    found = overriding(overrides(entries, model), made.decision, digest=made.decision_digest, now=clock())
    return tuple(
        Overridden(conditions=each.conditions, reason=each.reason, actor=each.actor, expires=each.expires)
        for each in found
    )


def _rehearse_way_back(settings: Settings, params: Params, entries: tuple[Line, ...]) -> None:
    """The version that a rollback would return to must load and answer here and today, or nothing is promoted."""
    serving = champion(entries, params.project.name)
    if serving is None:
        return
    try:
        rehearse(settings, params, no_trial, run_id=serving.run_id, seal=serving.seal)
    except Exception as error:
        raise PromotionRefused(
            f"there would be no way back: version {serving.version}, which serves, does not load here: {error}",
            next_step="mend what it says; a promotion that cannot be undone is none",
        ) from error


def _promotion(
    settings: Settings,
    found: Candidate,
    serving: Entry | None,
    allowed: tuple[Overridden, ...],
    *,
    reason: str,
    time: datetime,
) -> Change:
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
        overrides=allowed,
    )
