"""Registering a trained version: from now on it stands in the ledger as a candidate, with all that it is held to."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.candidates import Candidate, candidate
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry, Line, Registration, RegistrationEntry
from ratchet.core.lineage_record import Lineage
from ratchet.core.override import overriding
from ratchet.core.params import Params
from ratchet.errors import PromotionRefused, ServiceFailed
from ratchet.flows.champion import ledger
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.gate_override import overrides
from ratchet.flows.permission import require_role
from ratchet.flows.promotable import require_same_question
from ratchet.flows.recorded_run import RecordedRun, find_run, read_run
from ratchet.flows.version_evidence import VersionEvidence, write_version_evidence
from ratchet.io.authors import authors
from ratchet.io.git import head_commit
from ratchet.io.mlflow import Tracking, tracking
from ratchet.io.pointers import tracked_digests
from ratchet.io.room import read_params
from ratchet.io.signed_model import EVIDENCE
from ratchet.settings import Settings


def register(settings: Settings, run_id: str | None = None, *, reason: str = "", clock: Clock = now) -> Candidate:
    """Make a version of a recorded run's model and write it into the ledger; registering twice changes nothing.

    `run_id` None takes the run of what is here. Raises PromotionRefused if the gate comes first and says no, or whoever
    acts may not; ChampionChanged if it was decided by another policy or on other data than is here; ServiceFailed.
    """
    params = read_params(settings.root)
    branch = ledger(settings, params)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        run = find_run(store, settings, run_id)
        known = _registered(branch.read(), params.project.name, run.run_id)
        if known is None:
            require_role(settings, params, "train")
            known = _register(settings, params, store, read_run(store, run), reason=reason, clock=clock)
    return standing(settings, params, known.version, clock=clock)


def standing(settings: Settings, params: Params, version: int, *, clock: Clock = now) -> Candidate:
    """Where a registered version stands. Raises PromotionRefused if there is none of this number."""
    entries = ledger(settings, params).read()
    model = params.project.name
    found = candidate(entries, model, version, clock())
    if found is None:
        raise PromotionRefused(f"version {version} of {model} was never registered", next_step="ratchet queue --all")
    return found


def _registered(entries: tuple[Line, ...], model: str, run_id: str) -> RegistrationEntry | None:
    mine = (each for each in entries if isinstance(each, RegistrationEntry) and each.model == model)
    return next((each for each in mine if each.run_id == run_id), None)


def _register(
    settings: Settings, params: Params, store: Tracking, made: RecordedRun, *, reason: str, clock: Clock
) -> RegistrationEntry:
    _require_gate(settings, params, made, clock=clock)
    with tempfile.TemporaryDirectory() as name:
        evidence = write_version_evidence(settings, params, made.run, Path(name))
        batches = _batches(settings, made, evidence.lineage)
        # A version that could not be promoted here would close the one before it, which can.
        require_same_question(
            settings, params, f"run {made.run.run_id}", policy=made.decision.policy_digest, batches=batches
        )
        store.attach(made.run.run_id, Path(name), EVIDENCE)
    version = store.register(made.run.run_id, made.decision.reason)
    branch = ledger(settings, params)

    def decide(entries: tuple[Line, ...]) -> Registration | None:
        if _registered(entries, params.project.name, made.run.run_id):
            return None
        said = _Said(version=version, reason=reason or made.decision.reason, time=stamp(clock()))
        return _registration(settings, params, made, evidence, said, serving=champion(entries, params.project.name))

    branch.append_unless(decide, RegistrationEntry)
    found = _registered(branch.read(), params.project.name, made.run.run_id)
    if found is None:
        raise ServiceFailed("the ledger lost an entry that was just written", next_step="ratchet ledger verify")
    return found


def _require_gate(settings: Settings, params: Params, made: RecordedRun, *, clock: Clock) -> None:
    """What the gate refuses is no candidate, unless something else comes before the gate."""
    decision = made.decision
    if params.promotion.phases[0].gate is None or decision.verdict == "promote":
        return
    known = overrides(ledger(settings, params).read(), params.project.name)
    overriding(known, decision, digest=made.decision_digest, now=clock())


@dataclass(frozen=True, kw_only=True)
class _Said:
    version: int
    reason: str
    time: str


def _registration(
    settings: Settings,
    params: Params,
    made: RecordedRun,
    evidence: VersionEvidence,
    said: _Said,
    *,
    serving: Entry | None,
) -> Registration:
    lineage = evidence.lineage
    commit = lineage.commit.commit if lineage else head_commit(settings.root)
    decision = made.decision
    return Registration(
        model=params.project.name,
        version=said.version,
        run_id=made.run.run_id,
        fingerprint=made.run.fingerprint,
        model_digest=made.model_digest,
        seal=made.run.seal,
        decision_digest=made.decision_digest,
        verdict=decision.verdict,
        decided=decision.reason,
        failed=tuple(each.name for each in decision.conditions if not each.passed),
        champion=decision.evidence.champion,
        policy=decision.policy_digest,
        commit=commit,
        authors=authors(settings.root, since=serving.commit if serving else "", commit=commit) or (settings.actor,),
        trained_on=made.trained_on,
        batches=_batches(settings, made, lineage),
        judged_on=made.judged_on,
        metrics=made.metrics,
        phases=params.promotion.named_phases,
        manifest=evidence.manifest,
        signed_by=evidence.signed_by,
        actor=settings.actor,
        time=said.time,
        reason=said.reason,
    )


def _batches(settings: Settings, made: RecordedRun, lineage: Lineage | None) -> dict[str, str]:
    """The raw batches behind a run as they were tracked then; for a run of before lineage was kept, as they are."""
    if lineage is not None:
        return {each.name: each.raw for each in lineage.batches}
    behind = {*made.trained_on, *made.judged_on}
    return {name: digest for name, digest in tracked_digests(settings.root).items() if name in behind}
