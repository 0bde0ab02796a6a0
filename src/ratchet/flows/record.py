"""Record what the pipeline computed as one MLflow run: the same computation, the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from ratchet.core.decision import Decision
from ratchet.core.gate.charged import budget_text
from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.ledger import champion, withdrawn
from ratchet.core.lineage_record import FILE, Use
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.core.tracked_run import JUDGING, TRAINING, RunFacts, RunRef
from ratchet.errors import ServiceFailed, UsageError
from ratchet.flows.ledger import ledger
from ratchet.flows.open_slices import open_slices
from ratchet.flows.run import read_decision
from ratchet.flows.up_to_date import pending
from ratchet.io import dvc, files, layout, lock_text, model_folder
from ratchet.io.git import head_commit
from ratchet.io.mlflow import tracking
from ratchet.io.projects import require_own_name
from ratchet.io.room import read_params, room_folder
from ratchet.settings import Settings

EVALUATION = "evaluation"
"""The artifact folder of a run that holds what was measured on the rows that people may look at."""
LINEAGE = "lineage"
"""That of what it was made from."""
SLICES = "slices.json"
"""Beside the evaluation: the declared slices of the open rows, where those that judge are sealed."""


@dataclass(frozen=True)
class Recorded:
    """The run, whether this call made it, what the gate said, and what follows from that.

    `outcome` is the verdict, but for a model that would be promoted and serves already, or was rolled back.
    """

    run: RunRef
    new: bool
    decision: Decision
    outcome: Literal["promote", "hold", "reject", "serves", "rolled back"]


def record(settings: Settings) -> Recorded:
    """Record the run of what `dvc.lock` describes; does nothing if it is recorded already.

    Raises UsageError if the outputs are not those of `dvc.lock`, ServiceFailed if MLflow does not answer.
    """
    params = read_params(settings.root)
    decision = read_decision(settings)
    fingerprint = fingerprint_of(settings.root)
    outcome = _outcome(settings, params, decision)
    with tracking(settings.mlflow_uri, params.project.name) as store:
        known = store.find_run(fingerprint)
        if known and known.finished:
            return Recorded(known, new=False, decision=decision, outcome=outcome)
        _require_current(settings)
        require_own_name(settings.root, params.project.name)
        with tempfile.TemporaryDirectory() as name:
            facts = _facts(settings, params, decision, fingerprint)
            made = store.record(_described(facts, settings.root, params, Path(name)))
    return Recorded(made, new=True, decision=decision, outcome=outcome)


def _outcome(
    settings: Settings, params: Params, decision: Decision
) -> Literal["promote", "hold", "reject", "serves", "rolled back"]:
    """What serves already or was taken back is not promoted: to ask for it would come to nothing."""
    if decision.verdict != "promote":
        return decision.verdict
    entries = ledger(settings, params).read()
    model = model_folder.read_record(settings.root / layout.MODEL).model_digest
    serving = champion(entries, params.project.name)
    if serving is not None and serving.model_digest == model:
        return "serves"
    return "rolled back" if model in withdrawn(entries, params.project.name) else "promote"


def fingerprint_of(root: Path) -> str:
    """A digest of `dvc.lock`: commands, dependencies, parameters, outputs. Raises ServiceFailed if there is none."""
    try:
        lock = lock_text.parse((root / layout.LOCK).read_text(encoding="utf-8"), "what is here")
    except FileNotFoundError as error:
        raise ServiceFailed("nothing was computed yet: there is no dvc.lock", next_step="ratchet run") from error
    return digest_of(lock["stages"])


def _require_current(settings: Settings) -> None:
    with dvc.project(settings.root, settings.dvc_remote) as repo:
        # The champion need not be here: the evaluation names the one it was made against.
        changed = pending(dvc.status(repo), but=layout.CHAMPION)
    if changed:
        raise UsageError(
            f"what is here is not what dvc.lock describes: {', '.join(changed)} changed since",
            next_step="ratchet run, then ratchet record",
        )


def _facts(settings: Settings, params: Params, decision: Decision, fingerprint: str) -> RunFacts:
    root = settings.root
    evaluation = _evaluation(root)
    model = model_folder.read_record(root / layout.MODEL)
    return RunFacts(
        fingerprint=fingerprint,
        name=f"{max(evaluation.holdout)} {decision.verdict}",
        params={key: str(value) for key, value in flat(params.model_dump()) if value is not None},
        metrics=dict(_metrics(evaluation)) | dict(_cross_validation(root)),
        tags={
            "ratchet.verdict": decision.verdict,
            "ratchet.decision": decision.reason,
            "ratchet.trigger": settings.reason or "by hand",
            "ratchet.champion": str(evaluation.champion or "none"),
            "ratchet.holdout": ", ".join(evaluation.holdout),
            **_sealed_tags(decision),
            "mlflow.source.git.commit": head_commit(root),
            "mlflow.source.name": "dvc.yaml",
            "mlflow.user": settings.actor,
        },
        artifacts={
            "decision": [root / layout.DECISION],
            EVALUATION: sorted(path for path in (root / layout.EVALUATION).iterdir() if path.suffix != ".parquet"),
            LINEAGE: [root / layout.LOCK, root / "dvc.yaml", root / "params.yaml"],
        },
        inputs={TRAINING: model.trained_on, JUDGING: evaluation.holdout},
        model=root / layout.MODEL,
        room=room_folder(root, params.project.room),
        project=root,
        lookup_bytes=round(params.serve.lookup_megabytes * 2**20),
    )


def _described(facts: RunFacts, root: Path, params: Params, folder: Path) -> RunFacts:
    """The same with what is read of the project now, in `folder`, for whoever registers it has another machine."""
    # Imported late: it brings Arrow, and promoting and asking need names of this file only.
    from ratchet.io.lineage import lineage_of

    used: dict[Use, Mapping[str, str]] = {"training": facts.inputs[TRAINING], "judging": facts.inputs[JUDGING]}
    lineage = lineage_of(root, params, facts.room, used)
    files.write_json(folder / FILE, lineage.model_dump(mode="json"))
    found = {LINEAGE: [*facts.artifacts[LINEAGE], folder / FILE]}
    if params.sealed and (slices := open_slices(root, params, _evaluation(root))):
        files.write_json(folder / SLICES, slices.model_dump(mode="json"))
        found[EVALUATION] = [*facts.artifacts[EVALUATION], folder / SLICES]
    return replace(facts, artifacts={**facts.artifacts, **found})


def _evaluation(root: Path) -> Evaluation:
    return Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())


def _sealed_tags(decision: Decision) -> dict[str, str]:
    """What may be told of a sealed decision: the budget, and digests of what is kept back. None of an open one."""
    if decision.seal is None:
        return {}
    level = decision.evidence.look.level if decision.evidence.look else None
    paid = {"ratchet.look": str(level.run), "ratchet.alpha": f"{level.alpha:.6g}"} if level else {}
    return {
        **paid,
        "ratchet.budget": budget_text(decision.evidence),
        "ratchet.sealed.evidence": decision.seal.evidence,
        "ratchet.sealed.decision": decision.seal.decision,
    }


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested keys joined by dots."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _metrics(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    """The challenger's metrics by their plain names, everybody else's under their own; with interval bounds."""
    for row in evaluation.metrics:
        estimates = {("" if model == CHALLENGER else f"{model}."): each for model, each in row.models.items()}
        for prefix, estimate in {**estimates, **({"gain.": row.gain} if row.gain else {})}.items():
            for suffix, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high)):
                if value is not None:
                    yield f"{prefix}{row.name}{suffix}", value


def _cross_validation(root: Path) -> Iterator[tuple[str, float]]:
    metrics = yaml.safe_load((root / layout.TRAIN_METRICS).read_text(encoding="utf-8"))
    return ((f"cv.{key}", value) for key, value in flat(metrics["spread"]) if value is not None)
