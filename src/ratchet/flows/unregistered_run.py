"""The descent of a run that was recorded and never registered, which MLflow alone knows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ratchet.core.decision import Decision
from ratchet.core.lineage import Descent, UsedBatch
from ratchet.core.lineage_record import FILE, Lineage
from ratchet.errors import ServiceFailed
from ratchet.flows.record import LINEAGE
from ratchet.io import files, layout
from ratchet.io.mlflow import Tracking


def unregistered(store: Tracking, run_id: str) -> Descent:
    """What its artifacts say. Raises ServiceFailed if they are not there."""
    with tempfile.TemporaryDirectory() as name:
        path = store.fetch(run_id, f"decision/{Path(layout.DECISION).name}", Path(name))
        decision, digest = Decision.model_validate_json(path.read_bytes()), files.digest(path)
        record = _record(store, run_id, Path(name))
    return Descent(
        run_id=run_id,
        fingerprint=store.get_run(run_id).fingerprint,
        commit=record.commit.commit if record else "",
        batches=tuple(
            UsedBatch(
                name=each.name,
                raw=each.raw,
                features=each.features,
                trained=each.used_for == "training",
                judged=each.used_for == "judging",
            )
            for each in (record.batches if record else ())
        ),
        verdict=decision.verdict,
        decided=decision.reason,
        decision_digest=digest,
        policy=decision.policy_digest,
        compared_with=decision.evidence.champion,
    )


def _record(store: Tracking, run_id: str, folder: Path) -> Lineage | None:
    """None for a run of before it was kept."""
    try:
        return Lineage.model_validate_json(store.fetch(run_id, f"{LINEAGE}/{FILE}", folder).read_bytes())
    except ServiceFailed:
        return None
