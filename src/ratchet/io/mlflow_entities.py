"""Runs and data sets between MLflow's records and ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ratchet.core.manifest import digest_of
from ratchet.core.tracked_run import RunRef

if TYPE_CHECKING:
    from mlflow.entities import Run

FINGERPRINT = "ratchet.fingerprint"
SEAL = "ratchet.seal"
"""Tags of a run."""


def reference(run: Run) -> RunRef:
    """A run of MLflow's as ours."""
    tags = run.data.tags
    begun = datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC).isoformat(timespec="seconds")
    return RunRef(
        run.info.run_id, tags.get(FINGERPRINT, ""), tags.get(SEAL, ""), run.info.status == "FINISHED", time=begun
    )


def dataset(name: str, batches: Mapping[str, str]) -> Any:
    """A data set as MLflow shows it: the batches by name and digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    text = json.dumps(dict(sorted(batches.items())))
    data = Dataset(
        name=f"{name} {min(batches)} to {max(batches)}" if len(batches) > 1 else f"{name} {min(batches)}",
        digest=digest_of(dict(batches))[:8],
        source_type="local",
        source=json.dumps({"uri": "data/features"}),
        profile=text[:16000],
    )
    return DatasetInput(data, tags=[InputTag("mlflow.data.context", name)])
