"""MLflow: the record of runs, and the registry where everyone looks. `mlflow_model` writes what is kept of a model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.core.tracked_run import RunFacts, RunRef
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.mlflow_address import artifacts, logged_in, masked, require_answer
from ratchet.io.mlflow_client import open_client
from ratchet.io.mlflow_entities import FINGERPRINT, SEAL, dataset, reference
from ratchet.io.mlflow_errors import HIDDEN, NOT_THERE, PROMOTER, READER, TRAINER, code_of, failure, needs, refused
from ratchet.io.mlflow_model import write_sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL = "model"
"""The artifact folder of a run that holds the sealed model."""
DECIDES = "ratchet.decides"
"""A tag of the registered model, for whoever looks at it in MLflow."""


class Tracking:
    """The tracking store and registry at `uri`; runs go to the experiment that has the model's name."""

    def __init__(self, client: MlflowClient, uri: str, name: str) -> None:
        self._client = client
        self.uri = uri
        self._name = name

    @needs(READER)
    def find_run(self, fingerprint: str) -> RunRef | None:
        """The run of this fingerprint, if it was recorded; a finished one before one that was interrupted."""
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            return None
        runs = self._client.search_runs(
            [experiment.experiment_id], filter_string=f"tags.`{FINGERPRINT}` = '{fingerprint}'"
        )
        found = sorted((reference(run) for run in runs), key=lambda run: not run.finished)
        return found[0] if found else None

    @needs(READER)
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
            found += [run for run in map(reference, page) if run.fingerprint]
            token = page.token
            if not token:
                break
        return found[:last]

    @needs(READER)
    def get_run(self, run_id: str) -> RunRef:
        """The run with this id. Raises UsageError if there is none, or none that this user may see."""
        from mlflow.exceptions import MlflowException

        try:
            return reference(self._client.get_run(run_id))
        except MlflowException as error:
            if code_of(error) not in (*NOT_THERE, HIDDEN):
                raise
            raise UsageError(f"MLflow has no run {run_id!r}", next_step="ratchet record prints the run's id") from error

    @needs(TRAINER)
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
        self._client.log_inputs(run_id, datasets=[dataset(name, batches) for name, batches in facts.inputs.items()])
        self._upload(run_id, facts)
        seal = self._log_model(run_id, facts)
        self._client.set_tag(run_id, SEAL, seal)
        self._client.set_terminated(run_id, "FINISHED")
        return RunRef(run_id, facts.fingerprint, seal, finished=True)

    @needs(READER)
    def fetch(self, run_id: str, artifact: str, into: Path) -> Path:
        """Download one artifact (file or folder) of a run into `into`; returns its path. Raises ServiceFailed."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            return Path(
                download_artifacts(run_id=run_id, artifact_path=artifact, dst_path=str(into), tracking_uri=self.uri)
            )
        except (MlflowException, OSError) as error:
            if refused(error):
                raise failure(self.uri, error) from error
            raise ServiceFailed(
                masked(self.uri, f"MLflow run {run_id} has no artifact {artifact}: {error}"),
                next_step="check that MLFLOW_TRACKING_URI and the artifact store are the ones the run was recorded in",
            ) from error

    @needs(TRAINER)
    def attach(self, run_id: str, folder: Path, artifact: str) -> None:
        """Keep the files of `folder` with a run, in its artifact folder of this name. Raises ServiceFailed."""
        with self._uploading():
            self._client.log_artifacts(run_id, str(folder), artifact)

    @needs(PROMOTER)
    def register(self, run_id: str, description: str) -> int:
        """The version of the registered model that this run became; made on the first call, found afterwards."""
        known = self._client.search_model_versions(f"name = '{self._name}' and run_id = '{run_id}'")
        if versions := [int(version.version) for version in known]:
            return min(versions)
        self._make_model()
        # Where the run's files are: of runs:/ a server's own pages find nothing.
        source = f"{self._client.get_run(run_id).info.artifact_uri}/{MODEL}"
        made = self._client.create_model_version(self._name, source=source, run_id=run_id, description=description)
        return int(made.version)

    @needs(READER)
    def alias(self, alias: str) -> int | None:
        """The version that the alias points to, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return int(self._client.get_model_version_by_alias(self._name, alias).version)
        except MlflowException as error:
            if code_of(error) in NOT_THERE or (code_of(error) == HIDDEN and not self._model_is_there()):
                return None
            raise

    @needs(PROMOTER)
    def point(self, alias: str, version: int) -> None:
        """Let the alias point to `version`.

        Two writers that both find no alias both insert one, and the store refuses the second: that one updates it.
        """
        from mlflow.exceptions import MlflowException

        try:
            self._client.set_registered_model_alias(self._name, alias, str(version))
        except MlflowException as error:
            if refused(error):
                raise
            self._client.set_registered_model_alias(self._name, alias, str(version))

    @needs(PROMOTER)
    def unpoint(self, alias: str) -> None:
        """Let the alias point to nothing."""
        self._client.delete_registered_model_alias(self._name, alias)

    @needs(PROMOTER)
    def require_promoter(self) -> None:
        """Write what is always true of the registered model. Raises UsageError if this user may not write there.

        To be asked before the ledger names a version whose alias could then not follow.
        """
        self._client.set_registered_model_tag(self._name, DECIDES, "the ledger; the alias follows it")

    def _make_model(self) -> None:
        """Make the registered model; who may write it need not be one who may make it, so a refusal is passed over."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._name)
        except MlflowException as error:
            if code_of(error) not in ("RESOURCE_ALREADY_EXISTS", HIDDEN):
                raise

    def _model_is_there(self) -> bool:
        return bool(self._client.search_registered_models(f"name = '{self._name}'"))

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
            return str(self._client.create_experiment(self._name, artifact_location=artifacts(self.uri, self._name)))
        except MlflowException as error:
            experiment = self._client.get_experiment_by_name(self._name)
            if experiment is None:
                # A trainer writes into experiments; making one is for those who own them.
                raise failure(self.uri, error, role=PROMOTER) from error
            return str(experiment.experiment_id)

    def _upload(self, run_id: str, facts: RunFacts) -> None:
        for folder, paths in facts.artifacts.items():
            for path in paths:
                with self._uploading():
                    self._client.log_artifact(run_id, str(path), folder)

    def _log_model(self, run_id: str, facts: RunFacts) -> str:
        with tempfile.TemporaryDirectory() as name:
            target = Path(name) / MODEL
            seal = write_sealed(target, facts)
            with self._uploading():
                self._client.log_artifacts(run_id, str(target), MODEL)
        return seal

    @contextmanager
    def _uploading(self) -> Iterator[None]:
        """A file's way through a server raises HTTP's own errors, which are the system's."""
        try:
            yield
        except OSError as error:
            raise failure(self.uri, error, role=TRAINER) from error


@contextmanager
def tracking(uri: str, name: str) -> Iterator[Tracking]:
    """Open the store at `uri`; a user and a password may be in it.

    Raises ServiceFailed at once if nobody answers there, UsageError if the user is not known or may not.
    """
    require_answer(uri)
    with logged_in(uri) as address:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield Tracking(open_client(address), address, name)
        except (MlflowException, SQLAlchemyError) as error:
            raise failure(address, error) from error
