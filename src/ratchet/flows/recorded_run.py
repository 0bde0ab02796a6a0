"""A recorded run, read back from MLflow: its decision, its model's record, and the metrics people may look at."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.decision import Decision
from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.tracked_run import RunRef
from ratchet.errors import PromotionRefused
from ratchet.flows.record import EVALUATION, fingerprint_of
from ratchet.io import files, layout, model_folder
from ratchet.io.mlflow import MODEL, Tracking
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A run with its decision, and the model's metrics on the rows that people may look at."""

    run: RunRef
    decision: Decision
    decision_digest: str
    model_digest: str
    trained_on: dict[str, str]
    judged_on: tuple[str, ...]
    metrics: dict[str, float]


def find_run(store: Tracking, settings: Settings, run_id: str | None) -> RunRef:
    """The run of this id, or of what is here. Raises UsageError or PromotionRefused if there is none."""
    if run_id is not None:
        return store.get_run(run_id)
    found = store.find_run(fingerprint_of(settings.root))
    if found is None:
        raise PromotionRefused("what is here was not recorded", next_step="ratchet record, then try again")
    return found


def read_run(store: Tracking, run: RunRef) -> RecordedRun:
    """Fetch what is known about a run. Raises PromotionRefused if it was not recorded to its end, ServiceFailed."""
    if not run.finished:
        raise PromotionRefused(f"run {run.run_id} was not recorded to its end", next_step="ratchet record again")
    with tempfile.TemporaryDirectory() as name:
        path = store.fetch(run.run_id, f"decision/{Path(layout.DECISION).name}", Path(name))
        decision = Decision.model_validate_json(path.read_bytes())
        record = model_folder.read_record(store.fetch(run.run_id, f"{MODEL}/{model_folder.RECORD}", Path(name)).parent)
        evaluated = store.fetch(run.run_id, f"{EVALUATION}/evaluation.json", Path(name))
        evaluation = Evaluation.model_validate_json(evaluated.read_bytes())
        return RecordedRun(
            run=run,
            decision=decision,
            decision_digest=files.digest(path),
            model_digest=record.model_digest,
            trained_on=record.trained_on,
            judged_on=tuple(sorted(evaluation.holdout)),
            metrics=_open_metrics(evaluation) if decision.seal else decision.evidence.values(),
        )


def _open_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Those that evaluation measured on open rows: a sealed decision has none."""
    found = {row.name: row.models[CHALLENGER].value for row in evaluation.metrics}
    return {name: value for name, value in found.items() if value is not None}
