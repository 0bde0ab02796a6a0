"""The MLflow calls that a promotion or a rollback needs, and nothing else: no ledger, no check, no rehearsal.

python benchmarks/registry_bare.py MODEL promote|rollback
"""

from __future__ import annotations

import sys
import tempfile

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

PARTS = ("model", "decision", "evaluation", "lineage")
"""What is needed of a run to decide about it, and to say what was promoted."""


def promote(client: MlflowClient, model: str) -> None:
    """Find the newest run, fetch what it made, make a version of it, and let the alias point to it."""
    experiment = client.get_experiment_by_name(model)
    if experiment is None:
        raise SystemExit(f"MLflow has no experiment {model}")
    runs = client.search_runs(
        [experiment.experiment_id],
        filter_string="attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    run_id = runs[0].info.run_id
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            download_artifacts(run_id=run_id, artifact_path=part, dst_path=folder)
    version = client.create_model_version(model, f"runs:/{run_id}/model", run_id=run_id)
    client.set_registered_model_alias(model, "champion", version.version)


def rollback(client: MlflowClient, model: str) -> None:
    """Find the version before the one that serves, fetch its model, and let the alias point to it."""
    serving = client.get_model_version_by_alias(model, "champion")
    versions = client.search_model_versions(f"name = '{model}'")
    before = max((each for each in versions if int(each.version) < int(serving.version)), key=lambda each: each.version)
    with tempfile.TemporaryDirectory() as folder:
        download_artifacts(run_id=before.run_id, artifact_path="model", dst_path=folder)
    client.set_registered_model_alias(model, "champion", before.version)


if __name__ == "__main__":
    {"promote": promote, "rollback": rollback}[sys.argv[2]](MlflowClient(), sys.argv[1])
