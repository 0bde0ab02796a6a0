"""MLflow: the record of runs, and the registry where everyone looks. The only file that imports it."""

from __future__ import annotations

import json
import logging
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ratchet.core.manifest import digest_of
from ratchet.core.model_record import ModelRecord
from ratchet.core.tracked_run import TRAINING, RunFacts, RunRef
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io import model_folder
from ratchet.io.code import library_versions
from ratchet.io.model_folder import LoadedModel

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run

FINGERPRINT = "ratchet.fingerprint"
SEAL = "ratchet.seal"
MODEL = "model"
"""The artifact folder of a run that holds the sealed model."""

CONNECT_SECONDS = 3.0
SQLITE = "sqlite:///"


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
            return str(self._client.create_experiment(self._name, artifact_location=_artifacts(self._uri)))
        except MlflowException:
            experiment = self._client.get_experiment_by_name(self._name)
            if experiment is None:
                raise
            return str(experiment.experiment_id)

    def _log_model(self, run_id: str, facts: RunFacts) -> str:
        """Log the model as MLflow loads and serves it, with the room's code, sealed; returns the seal."""
        with tempfile.TemporaryDirectory() as name:
            target = Path(name) / MODEL
            _save(model_folder.read(facts.model), target)
            model_folder.copy(facts.model, target)
            model_folder.copy_room(facts.room, target)
            _write_raw_input(target, facts)
            seal = model_folder.write_seal(target)
            self._client.log_artifacts(run_id, str(target), MODEL)
        return seal


@contextmanager
def tracking(uri: str, name: str) -> Iterator[Tracking]:
    """Open the store at `uri`. Raises ServiceFailed at once if nobody answers there."""
    _require_answer(uri)
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
            f"MLflow at {masked(uri)}: {error}", next_step="check MLFLOW_TRACKING_URI; ratchet ui shows the store"
        ) from error


def logging_of_migrations_off() -> None:
    """A new SQLite store is migrated through sixty steps, each of which would log a line."""
    for noisy in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def masked(uri: str) -> str:
    """The address without a password."""
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri


def _require_answer(uri: str) -> None:
    parts = urlsplit(uri)
    if parts.scheme == "sqlite":
        _make_folder(Path(uri.removeprefix(SQLITE)).parent)
        return
    if parts.scheme not in ("http", "https"):
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ServiceFailed(
            f"MLflow does not answer at {masked(uri)}: {error}",
            next_step="start it or mend MLFLOW_TRACKING_URI, then run the same command again; nothing is lost",
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceFailed(
            f"MLflow's database cannot be in {folder}: {error.strerror}", next_step="mend MLFLOW_TRACKING_URI"
        ) from error


def _artifacts(uri: str) -> str | None:
    """Beside an SQLite file; a server has its own place."""
    if not uri.startswith(SQLITE):
        return None
    return (Path(uri.removeprefix(SQLITE)).resolve().parent / "artifacts").as_uri()


def _reference(run: Run) -> RunRef:
    tags = run.data.tags
    return RunRef(run.info.run_id, tags.get(FINGERPRINT, ""), tags.get(SEAL, ""), run.info.status == "FINISHED")


def _write_raw_input(target: Path, facts: RunFacts) -> None:
    if facts.project is None:
        return
    # Imported late: they bring Arrow, and most commands that know this file record nothing.
    from ratchet.io.raw_input import write_raw_input
    from ratchet.io.validated import Validated

    write_raw_input(
        target,
        valid=Validated(facts.project),
        batch=max(facts.inputs[TRAINING]),
        room=facts.room,
        limit=facts.lookup_bytes,
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


def _save(model: LoadedModel, target: Path) -> None:
    """MLflow's own files around the model: MLmodel, signature, an example, pinned requirements."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    example = _example(model.record)
    predict = "predict" if model.record.task == "regression" else "predict_proba"
    mlflow.sklearn.save_model(
        model.pipeline,
        str(target),
        serialization_format="skops",
        skops_trusted_types=list(model_folder.TRUSTED),
        signature=infer_signature(example, getattr(model.pipeline, predict)(example)),
        input_example=example,
        pip_requirements=[f"{name}=={version}" for name, version in library_versions().items()],
        pyfunc_predict_fn=predict,
    )


def _example(record: ModelRecord) -> pd.DataFrame:
    from ratchet.core.scoring import frame

    return frame(record.features, {feature.name: [feature.example] for feature in record.features})
