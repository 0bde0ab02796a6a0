"""Registering a trained version: from now on it stands in the ledger as a candidate, with all that it is held to."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.candidates import Candidate
from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Entry, Line, Registration, RegistrationEntry
from ratchet.core.lineage_record import Lineage
from ratchet.core.override import overrides, overriding
from ratchet.core.params import Params
from ratchet.core.promotable import require_registered
from ratchet.errors import ServiceFailed
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
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
    model, branch = params.project.name, ledger(settings, params)
    with tracking(settings.mlflow_uri, model) as store:
        run = find_run(store, settings, run_id)
        entries = branch.read()
        known = _registered(entries, model, run.run_id)
        if known is None:
            require_role(settings, params, "train")
            _register(settings, params, store, _Asked(read_run(store, run), entries, reason, clock))
            entries = branch.read()
            known = _registered(entries, model, run.run_id)
    if known is None:
        raise ServiceFailed("the ledger lost an entry that was just written", next_step="ratchet ledger verify")
    return require_registered(entries, model, known.version, clock())


def standing(settings: Settings, params: Params, version: int, *, clock: Clock = now) -> Candidate:
    """Where a registered version stands. Raises PromotionRefused if there is none of this number."""
    return require_registered(ledger(settings, params).read(), params.project.name, version, clock())


def _registered(entries: tuple[Line, ...], model: str, run_id: str) -> RegistrationEntry | None:
    mine = (each for each in entries if isinstance(each, RegistrationEntry) and each.model == model)
    return next((each for each in mine if each.run_id == run_id), None)


@dataclass(frozen=True)
class _Asked:
    """What is to be registered, on top of which ledger, why (the gate's words, if empty), and by which clock."""

    made: RecordedRun
    entries: tuple[Line, ...]
    reason: str
    clock: Clock


def _register(settings: Settings, params: Params, store: Tracking, asked: _Asked) -> None:
    """Make the version and write it into the ledger, unless somebody else has done so meanwhile."""
    made = asked.made
    _require_gate(params, asked)
    with tempfile.TemporaryDirectory() as name:
        evidence = write_version_evidence(settings, params, made.run, Path(name))
        batches = _batches(settings, made, evidence.lineage)
        # A version that could not be promoted here would close the one before it, which can.
        require_same_question(
            settings, params, f"run {made.run.run_id}", policy=made.decision.policy_digest, batches=batches
        )
        store.attach(made.run.run_id, Path(name), EVIDENCE)
    version = store.register(made.run.run_id, made.decision.reason)

    def decide(entries: tuple[Line, ...]) -> Registration | None:
        if _registered(entries, params.project.name, made.run.run_id):
            return None
        return _registration(settings, params, asked, evidence, version, champion(entries, params.project.name))

    ledger(settings, params).append_unless(decide, RegistrationEntry)


def _require_gate(params: Params, asked: _Asked) -> None:
    """What the gate refuses is no candidate, unless something else comes before the gate."""
    made = asked.made
    if params.promotion.phases[0].gate is None or made.decision.verdict == "promote":
        return
    known = overrides(asked.entries, params.project.name)
    overriding(known, made.decision, digest=made.decision_digest, now=asked.clock())


def _registration(
    settings: Settings,
    params: Params,
    asked: _Asked,
    evidence: VersionEvidence,
    version: int,
    serving: Entry | None,
) -> Registration:
    made = asked.made
    lineage = evidence.lineage
    commit = lineage.commit.commit if lineage else head_commit(settings.root)
    decision = made.decision
    return Registration(
        model=params.project.name,
        version=version,
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
        time=stamp(asked.clock()),
        reason=asked.reason or decision.reason,
    )


def _batches(settings: Settings, made: RecordedRun, lineage: Lineage | None) -> dict[str, str]:
    """The raw batches behind a run as they were tracked then; for a run of before lineage was kept, as they are."""
    if lineage is not None:
        return {each.name: each.raw for each in lineage.batches}
    behind = {*made.trained_on, *made.judged_on}
    return {name: digest for name, digest in tracked_digests(settings.root).items() if name in behind}
