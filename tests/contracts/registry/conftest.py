"""MLflow as one person has it, SQLite and a folder; and as a team has it: a server with users before two others."""

from __future__ import annotations

import importlib.util
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from ratchet.core.estimators import build_pipeline
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project
from ratchet.core.scoring import frame
from ratchet.core.tracked_run import RunFacts
from ratchet.io import files, mlflow, model_folder
from ratchet.io.mlflow import Tracking, tracking
from ratchet.io.mlflow_address import logged_in
from services.environment import address
from services.state import free_ports
from services.together import Services, Wanted, services_in

NAME = "flights-late"
INPUTS = [
    Feature(name="x", kind="number", nullable=True, example=0.5),
    Feature(name="c", kind="category", nullable=True, example="a"),
]
SLOW = [pytest.mark.slow, pytest.mark.xdist_group("services")]
"""One process starts the services, once."""
LOOP = Path(__file__).parents[2] / "loop" / "conftest.py"


@pytest.fixture(scope="session", params=["sqlite", pytest.param("services", marks=SLOW)])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two."""
    return str(request.param)


@dataclass(frozen=True)
class Team:
    """The running services, and the address of MLflow for each role."""

    services: Services

    def uri(self, role: str) -> str:
        """The address with the role's user and password in it."""
        return address(self.services.state, self.services.mlflow.url, role)


@pytest.fixture(scope="session")
def team(postgresql_programs: Path, gone_with_the_tests: Callable[..., AbstractContextManager[None]]) -> Iterator[Team]:
    """The services of `make services`, without what saves data from a power cut."""
    base = Path(tempfile.mkdtemp(prefix="ratchet-services-"))
    base.chmod(0o711)
    [port] = free_ports(1)
    wanted = Wanted(port=port, workers=1, models=[NAME], durable=False, programs=postgresql_programs)
    services = services_in(base / "state", wanted)
    pid_files = [each.pid_file for each in (services.mlflow.server, services.store.server, services.database)]
    with gone_with_the_tests(pid_files, [base, *services.store.sockets]):
        services.start(lambda _: None)
        yield Team(services)
        services.stop(data_needed=False)


@pytest.fixture(scope="session")
def uri(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of its own, for somebody who may do everything; the tests keep apart by their names."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('store') / 'new' / 'mlflow.db'}"
    team: Team = request.getfixturevalue("team")
    return team.uri("promoter")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An experiment and a registered model of its own for each test."""
    return re.sub(r"\W+", "-", str(request.node.name).replace("_", "-")).strip("-")


@pytest.fixture
def store(uri: str, name: str) -> Iterator[Tracking]:
    """The store, open."""
    with tracking(uri, name) as store:
        yield store


@pytest.fixture
def client(uri: str) -> Iterator[MlflowClient]:
    """The store, as everybody else sees it."""
    with logged_in(uri) as bare:
        yield MlflowClient(tracking_uri=bare, registry_uri=bare)


Runs = Callable[[MlflowClient, str], list[Run]]


@pytest.fixture(scope="session")
def runs() -> Runs:
    """All runs of a name."""

    def found(client: MlflowClient, name: str) -> list[Run]:
        experiment = client.get_experiment_by_name(name)
        assert experiment is not None
        return list(client.search_runs([experiment.experiment_id]))

    return found


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model and a room, as the pipeline leaves them."""
    root = tmp_path_factory.mktemp("project")
    random = np.random.default_rng(0)
    columns = {"x": random.normal(size=60).tolist(), "c": random.choice(["a", "b"], 60).tolist()}
    model = Model(estimator="hist_gradient_boosting", params={"max_iter": 3, "min_samples_leaf": 5})
    pipeline = build_pipeline(INPUTS, task="binary", features=Features(), model=model)
    pipeline.fit(frame(INPUTS, columns), np.array(columns["x"]) > 0)
    digest = model_folder.write_model(root / "model" / model_folder.MODEL, pipeline)
    recipe = Recipe(
        project=Project(name=NAME, room="flights", task="binary", target="late"), features=Features(), model=model
    )
    record = ModelRecord(
        task="binary", target="late", features=INPUTS, labels=["false", "true"], baseline=[0.5, 0.5], threshold=0.5,
        recipe=recipe, trained_on={"2013-01": "x"}, rows=60, model_digest=digest, libraries={},
    )  # fmt: skip
    model_folder.write_record(root / "model", record)
    files.write_text(root / "src" / "flights" / "features.py", "x = 1\n")
    files.write_json(root / "decision.json", {"verdict": "promote"})
    return root


@pytest.fixture(scope="session")
def facts(project: Path) -> Callable[..., RunFacts]:
    """What is recorded of a run; its fingerprint is f1, if none is given."""

    def made(fingerprint: str = "f1") -> RunFacts:
        return RunFacts(
            fingerprint=fingerprint,
            name="2013-02",
            params={"model.seed": "0"},
            metrics={"log_loss": 0.4},
            tags={"verdict": "promote"},
            artifacts={"decision": [project / "decision.json"]},
            inputs={"training": {"2013-01": "x", "2013-02": "y"}, "judging": {"2013-03": "z"}},
            model=project / "model",
            room=project / "src" / "flights",
        )

    return made


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of one small file, where a test looks at records alone; a real one is ten, and takes its time."""

    def write(target: Path, _: RunFacts) -> str:
        files.write_text(target / "model.json", "{}\n")
        return "seal"

    monkeypatch.setattr(mlflow, "write_sealed", write)


@pytest.fixture(scope="session")
def loop() -> ModuleType:
    """How tests/loop lays out whole projects."""
    spec = importlib.util.spec_from_file_location("whole_projects", LOOP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
