"""MLflow: the record of runs, and the registry where everyone looks. `mlflow_model` writes what is kept of a model."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.manifest import digest_of
from ratchet.core.tracked_run import RunFacts, RunRef
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.mlflow_address import artifacts, masked, require_answer
from ratchet.io.mlflow_model import write_sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

FINGERPRINT = "ratchet.fingerprint"
SEAL = "ratchet.seal"
MODEL = "model"
"""The artifact folder of a run that holds the sealed model."""


class Tracking:
    """The tracking store and registry at `uri`; runs go to the experiment that has the model's name."""

    def __init__(self, client: MlflowClient, uri: str, name: str) -> None:
        self._client = client
        self._uri = uri
        self._name = name

    def find_run(self, fingerprint: str) -> RunRef | None:
        """The run of this fingerprint, if it was recorded; a finished one before one that was interrupted."""
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            return None
        runs = self._client.search_runs(
            [experiment.experiment_id], filter_string=f"tags.`{FINGERPRINT}` = '{fingerprint}'"
        )
        found = sorted((_reference(run) for run in runs), key=lambda run: not run.finished)
        return found[0] if found else None

    def finished(self, last: int | None = None) -> list[RunRef]:
        """The runs that were recorded to their end, or the `last` ones of them, newest first."""
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            return []
        found: list[RunRef] = []
        token = None
        while last is None or len(found) < last:
            page = self._client.search_runs(
                [experiment.experiment_id],
                filter_string="attributes.status = 'FINISHED'",
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += [run for run in map(_reference, page) if run.fingerprint]
            token = page.token
            if not token:
                break
        return found[:last]

    def get_run(self, run_id: str) -> RunRef:
        """The run with this id. Raises UsageError if there is none."""
        from mlflow.exceptions import MlflowException

        try:
            return _reference(self._client.get_run(run_id))
        except MlflowException as error:
            raise UsageError(f"MLflow has no run {run_id!r}", next_step="ratchet record prints the run's id") from error

    def record(self, facts: RunFacts) -> RunRef:
        """Record one run; one that an earlier call left unfinished is completed, a finished one stays as it is.

        The ledger may name a finished run's seal, and saving the model again would give it another one.
        """
        from mlflow.entities import Metric, Param, RunTag

        begun = self.find_run(facts.fingerprint)
        if begun and begun.finished:
            return begun
        run_id = begun.run_id if begun else self._begin(facts)
        params = [Param(key, value[:6000]) for key, value in sorted(facts.params.items())]
        metrics = [Metric(key, value, 0, 0) for key, value in sorted(facts.metrics.items())]
        tags = [RunTag(key, value[:5000]) for key, value in sorted(facts.tags.items())]
        self._client.log_batch(run_id, params=params, metrics=metrics, tags=tags)
        self._client.log_inputs(run_id, datasets=[_input(name, batches) for name, batches in facts.inputs.items()])
        for folder, paths in facts.artifacts.items():
            for path in paths:
                self._client.log_artifact(run_id, str(path), folder)
        seal = self._log_model(run_id, facts)
        self._client.set_tag(run_id, SEAL, seal)
        self._client.set_terminated(run_id, "FINISHED")
        return RunRef(run_id, facts.fingerprint, seal, finished=True)

    def fetch(self, run_id: str, artifact: str, into: Path) -> Path:
        """Download one artifact (file or folder) of a run into `into`; returns its path. Raises ServiceFailed."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            return Path(
                download_artifacts(run_id=run_id, artifact_path=artifact, dst_path=str(into), tracking_uri=self._uri)
            )
        except (MlflowException, OSError) as error:
            raise ServiceFailed(
                f"MLflow run {run_id} has no artifact {artifact}: {error}",
                next_step="check that MLFLOW_TRACKING_URI and the artifact store are the ones the run was recorded in",
            ) from error

    def register(self, run_id: str, description: str) -> int:
        """The version of the registered model that this run became; made on the first call, found afterwards."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        known = self._client.search_model_versions(f"name = '{self._name}'")
        versions = [int(version.version) for version in known if version.run_id == run_id]
        if versions:
            return min(versions)
        made = self._client.create_model_version(
            self._name, source=f"runs:/{run_id}/{MODEL}", run_id=run_id, description=description
        )
        return int(made.version)

    def alias(self, alias: str) -> int | None:
        """The version that the alias points to, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return int(self._client.get_model_version_by_alias(self._name, alias).version)
        except MlflowException:
            return None

    def point(self, alias: str, version: int) -> None:
        """Let the alias point to `version`.

        Two writers that both find no alias both insert one, and the store refuses the second: that one updates it.
        """
        from mlflow.exceptions import MlflowException

        try:
            self._client.set_registered_model_alias(self._name, alias, str(version))
        except MlflowException:
            self._client.set_registered_model_alias(self._name, alias, str(version))

    def _begin(self, facts: RunFacts) -> str:
        tags = {FINGERPRINT: facts.fingerprint}
        run = self._client.create_run(self._experiment(), tags=tags, run_name=facts.name)
        return str(run.info.run_id)

    def _experiment(self) -> str:
        from mlflow.exceptions import MlflowException

        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is not None:
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(self._name, artifact_location=artifacts(self._uri)))
        except MlflowException:
            experiment = self._client.get_experiment_by_name(self._name)
            if experiment is None:
                raise
            return str(experiment.experiment_id)

    def _log_model(self, run_id: str, facts: RunFacts) -> str:
        with tempfile.TemporaryDirectory() as name:
            target = Path(name) / MODEL
            seal = write_sealed(target, facts)
            self._client.log_artifacts(run_id, str(target), MODEL)
        return seal


@contextmanager
def tracking(uri: str, name: str) -> Iterator[Tracking]:
    """Open the store at `uri`. Raises ServiceFailed at once if nobody answers there."""
    require_answer(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging_of_migrations_off()
    mlflow.set_tracking_uri(uri)
    try:
        yield Tracking(mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri), uri, name)
    except (MlflowException, SQLAlchemyError) as error:
        raise ServiceFailed(
            masked(uri, f"MLflow at {uri}: {error}"),
            next_step="check MLFLOW_TRACKING_URI; ratchet ui shows the store",
        ) from error


def logging_of_migrations_off() -> None:
    """A new SQLite store is migrated through sixty steps, each of which would log a line."""
    for noisy in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _reference(run: Run) -> RunRef:
    tags = run.data.tags
    begun = datetime.fromtimestamp((run.info.start_time or 0) / 1000, UTC).isoformat(timespec="seconds")
    return RunRef(
        run.info.run_id, tags.get(FINGERPRINT, ""), tags.get(SEAL, ""), run.info.status == "FINISHED", time=begun
    )


def _input(name: str, batches: Mapping[str, str]) -> Any:
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
