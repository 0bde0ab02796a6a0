"""Promotion and rollback: compare-and-set on the ledger, and the registry's alias follows."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ratchet.core.decision import Decision
from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.ledger import Change, Entry, Overridden, champion, rollback_target, withdrawn
from ratchet.core.override import overriding
from ratchet.core.params import Params
from ratchet.core.tracked_run import RunRef
from ratchet.errors import ChampionChanged, PromotionRefused
from ratchet.flows.champion import Trial, ledger, rehearse
from ratchet.flows.charge import answer_look
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.gate_override import overrides
from ratchet.flows.record import EVALUATION, fingerprint_of
from ratchet.io import files, layout, model_folder
from ratchet.io.git import head_commit
from ratchet.io.mlflow import MODEL, Tracking, tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Candidate:
    """A recorded run with its decision, and the model's metrics on the rows that people may look at."""

    run: RunRef
    decision: Decision
    decision_digest: str
    model_digest: str
    trained_on: dict[str, str]
    metrics: dict[str, float]


def no_trial(_folder: Path) -> None:
    """Try nothing but what every promotion tries."""


def promote(
    settings: Settings, run_id: str | None, *, reason: str = "", clock: Clock = now, trial: Trial = no_trial
) -> Entry:
    """Let the model of a recorded run serve, if its decision says so and its champion still serves.

    `run_id` None takes the run of what is here. Promoting what already serves changes nothing. `trial` is given the
    model's verified folder before the ledger is asked; nothing changes if it raises.
    Raises PromotionRefused if the verdict is not promote and a failed condition is not overridden (`core.override`),
    or the model was rolled back; ChampionChanged if another champion serves by now; ServiceFailed.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        candidate = _candidate(store, _run(store, settings, run_id))
        serving = champion(branch.read())
        if serving is not None and serving.run_id == candidate.run.run_id:
            store.point(params.promotion.alias, serving.version)
            return serving
        allowed = _overridden(settings, params, candidate, clock)
        require_promotable(candidate, branch.read(), overridden=bool(allowed))
        # Should the run have ended between the decision and its answer, later levels must know of this promotion.
        answer_look(settings, params, candidate.decision, clock=clock)
        rehearse(settings, params, trial, run_id=candidate.run.run_id, seal=candidate.run.seal)
        version = store.register(candidate.run.run_id, candidate.decision.reason)

        def decide(entries: tuple[Entry, ...]) -> Change:
            require_promotable(candidate, entries, overridden=bool(allowed))
            change = _promotion(settings, params, candidate, version, reason=reason, time=clock())
            return change.model_copy(update={"overrides": allowed})

        entry = branch.append(decide)
        store.point(params.promotion.alias, entry.version)
    return entry


def _overridden(settings: Settings, params: Params, candidate: Candidate, clock: Clock) -> tuple[Overridden, ...]:
    """What lets a decision of another verdict serve; nothing for one that says promote. Raises PromotionRefused."""
    if candidate.decision.verdict == "promote":
        return ()
    known = overrides(settings, params).read()
    found = overriding(known, candidate.decision, digest=candidate.decision_digest, now=clock())
    return tuple(
        Overridden(conditions=each.conditions, reason=each.reason, actor=each.actor, expires=each.expires)
        for each in found
    )


def require_promotable(candidate: Candidate, entries: tuple[Entry, ...], *, overridden: bool = False) -> None:
    """Raises PromotionRefused or ChampionChanged unless the candidate may follow what the ledger says serves.

    `overridden`: somebody took each of its failed conditions upon themselves.
    """
    decision = candidate.decision
    if decision.verdict != "promote" and not overridden:
        raise PromotionRefused(f"the gate says {decision.verdict}: {decision.reason}", next_step=decision.would_change)
    serving = champion(entries)
    if decision.evidence.champion != (serving.version if serving else None):
        raise ChampionChanged(
            f"the decision compared with version {decision.evidence.champion or 'none'}, "
            f"but version {serving.version if serving else 'none'} serves now",
            next_step="ratchet run judges again against the version that serves",
        )
    undone = withdrawn(entries).get(candidate.model_digest)
    if undone is not None:
        raise PromotionRefused(
            f"this very model was rolled back on {undone.time}: {undone.reason}",
            next_step="train another one: new data, code or parameters",
        )


def rollback(settings: Settings, *, reason: str, clock: Clock = now, trial: Trial = no_trial) -> Entry:
    """Return to the version that served before the serving one.

    Its model is fetched, verified and loaded first: nothing changes if it could not serve.
    Raises PromotionRefused if nothing served before.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    target = rollback_target(branch.read())
    rehearse(settings, params, trial, run_id=target.run_id, seal=target.seal)

    def decide(entries: tuple[Entry, ...]) -> Change:
        serving = champion(entries)
        if rollback_target(entries) != target or serving is None:
            raise ChampionChanged("another version serves by now", next_step="look at ratchet history, then decide")
        same = target.model_dump(exclude={"sequence", "previous", "hash", "overrides"})
        return Change(
            **{
                **same,
                "kind": "rollback",
                "replaces": serving.version,
                "actor": settings.actor,
                "time": stamp(clock()),
                "reason": reason,
            }
        )

    entry = branch.append(decide)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        store.point(params.promotion.alias, entry.version)
    return entry


@dataclass(frozen=True)
class Agreement:
    """What the ledger and the registry's alias say, and whether the alias had to be moved."""

    serving: Entry | None
    alias: int | None
    moved: bool


def reconcile(settings: Settings) -> Agreement:
    """Let the alias follow the ledger again, after a crash between the two or a move by hand."""
    params = read_params(settings.root)
    serving = champion(ledger(settings, params).read())
    with tracking(settings.mlflow_uri, params.project.name) as store:
        alias = store.alias(params.promotion.alias)
        moved = serving is not None and alias != serving.version
        if serving is not None and moved:
            store.point(params.promotion.alias, serving.version)
    return Agreement(serving, alias, moved)


def _run(store: Tracking, settings: Settings, run_id: str | None) -> RunRef:
    if run_id is not None:
        return store.get_run(run_id)
    found = store.find_run(fingerprint_of(settings.root))
    if found is None:
        raise PromotionRefused("what is here was not recorded", next_step="ratchet record, then ratchet promote")
    return found


def _candidate(store: Tracking, run: RunRef) -> Candidate:
    if not run.finished:
        raise PromotionRefused(f"run {run.run_id} was not recorded to its end", next_step="ratchet record again")
    with tempfile.TemporaryDirectory() as name:
        path = store.fetch(run.run_id, f"decision/{Path(layout.DECISION).name}", Path(name))
        decision = Decision.model_validate_json(path.read_bytes())
        record = model_folder.read_record(store.fetch(run.run_id, f"{MODEL}/{model_folder.RECORD}", Path(name)).parent)
        return Candidate(
            run=run,
            decision=decision,
            decision_digest=files.digest(path),
            model_digest=record.model_digest,
            trained_on=record.trained_on,
            metrics=_open_metrics(store, run, Path(name)) if decision.seal else decision.evidence.values(),
        )


def _open_metrics(store: Tracking, run: RunRef, into: Path) -> dict[str, float]:
    """Those that evaluation measured on open rows: a sealed decision has none."""
    path = store.fetch(run.run_id, f"{EVALUATION}/evaluation.json", into)
    evaluation = Evaluation.model_validate_json(path.read_bytes())
    found = {row.name: row.models[CHALLENGER].value for row in evaluation.metrics}
    return {name: value for name, value in found.items() if value is not None}


def _promotion(
    settings: Settings, params: Params, candidate: Candidate, version: int, *, reason: str, time: datetime
) -> Change:
    evidence = candidate.decision.evidence
    return Change(
        kind="promotion",
        model=params.project.name,
        version=version,
        replaces=evidence.champion,
        run_id=candidate.run.run_id,
        fingerprint=candidate.run.fingerprint,
        model_digest=candidate.model_digest,
        seal=candidate.run.seal,
        decision_digest=candidate.decision_digest,
        commit=head_commit(settings.root),
        trained_on=candidate.trained_on,
        metrics=candidate.metrics,
        actor=settings.actor,
        time=stamp(time),
        reason=reason or candidate.decision.reason,
    )
