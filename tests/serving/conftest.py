"""Small real champions of every task, and a folder that stands in for the ledger and the registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from ratchet.core.candidates import candidates
from ratchet.core.estimators import build_pipeline
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change, Entry, Line, Registration
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project, Task
from ratchet.core.phases import Phase
from ratchet.core.scoring import frame
from ratchet.core.trials import TrialPlan, on_trial
from ratchet.errors import ServiceFailed
from ratchet.io import files
from ratchet.io.champion import write_entry
from ratchet.io.model_folder import MODEL, SEAL, write_model, write_record, write_seal
from ratchet.io.trial_folder import MODEL as IN_TRIAL
from ratchet.io.trial_folder import write_plan
from ratchet.serving.app import create_app
from ratchet.serving.prediction_service import PredictionService
from ratchet.serving.predictor import Predictor
from ratchet.serving.server import bound, url_of
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource

FEATURES = [
    Feature(name="delay", kind="number", nullable=False, example=0.25),
    Feature(name="wind", kind="number", nullable=True),
    Feature(name="carrier", kind="category", nullable=False),
    Feature(name="gate", kind="category", nullable=True),
]
LABELS: dict[Task, list[str]] = {"binary": ["false", "true"], "multiclass": ["a", "b", "c"], "regression": []}
TRAINED_ON = {"2013-01": "1" * 64, "2013-02": "2" * 64}
MAX_ROWS = 50

Rows = list[dict[str, Any]]
MakeChampion = Callable[..., Entry]
WriteTrial = Callable[..., TrialPlan]
Serving = Callable[..., AbstractContextManager[str]]


def _sample(seed: int, count: int) -> Rows:
    random = np.random.default_rng(seed)
    return [
        {
            "delay": float(random.normal()),
            "wind": None if random.random() < 0.2 else float(random.normal()),
            "carrier": str(random.choice(["UA", "AA", "DL"])),
            "gate": None if random.random() < 0.2 else str(random.choice(["x", "y"])),
        }
        for _ in range(count)
    ]


def _targets(task: Task, rows: Rows, version: int) -> list[float]:
    sums = [row["delay"] + (row["wind"] or 0.0) + (row["carrier"] == "UA") for row in rows]
    if task == "regression":
        return [total * version for total in sums]
    classes = len(LABELS[task])
    order = np.argsort(np.argsort(sums)) * classes // len(rows)
    return [float((place + version - 1) % classes) for place in order]


@pytest.fixture(scope="session")
def store_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Task, int], Path]:
    """The folder of a fitted model, without a champion's entry; another model for each task and version."""
    root = tmp_path_factory.mktemp("models")

    def store(task: Task, version: int) -> Path:
        folder = root / f"{task}-{version}"
        if folder.exists():
            return folder
        rows = _sample(version, 200)
        columns = {feature.name: [row[feature.name] for row in rows] for feature in FEATURES}
        project = Project(name="flights-late", room="flights", task=task, target="late")
        model = Model(estimator="hist_gradient_boosting", params={"max_iter": 5, "min_samples_leaf": 5})
        pipeline = build_pipeline(FEATURES, task=task, features=Features(), model=model)
        pipeline.fit(frame(FEATURES, columns), np.array(_targets(task, rows, version)))
        record = ModelRecord(
            task=task, target="late", features=FEATURES, labels=LABELS[task], baseline=[0.5], threshold=0.4,
            recipe=Recipe(project=project, features=Features(), model=model), trained_on=TRAINED_ON, rows=len(rows),
            model_digest=write_model(folder / MODEL, pipeline), libraries={},
        )  # fmt: skip
        write_record(folder, record)
        write_seal(folder)
        return folder

    return store


def _promotion(version: int, *, model_digest: str, seal: str) -> Change:
    return Change(
        kind="promotion", model="flights-late", version=version, replaces=version - 1 or None, run_id="r",
        fingerprint="f", model_digest=model_digest, seal=seal, decision_digest="d", commit="c", trained_on=TRAINED_ON,
        metrics={"log_loss": 0.4}, actor="ada", time="2013-08-01T00:00:00+00:00", reason="better by 0.01",
    )  # fmt: skip


@pytest.fixture(scope="session")
def make_champion(store_model: Callable[[Task, int], Path]) -> MakeChampion:
    """Writes a champion's whole folder; its entry is the `version`-th of its ledger."""

    def make(folder: Path, version: int = 1, task: Task = "binary") -> Entry:
        shutil.copytree(store_model(task, version), folder)
        seal, digest = files.digest(folder / SEAL), files.digest(folder / MODEL)
        entries: list[Entry] = []
        for number in range(1, version + 1):
            entries.append(append(entries, _promotion(number, model_digest=digest, seal=seal)))
        write_entry(folder, entries[-1])
        return entries[-1]

    return make


@pytest.fixture(scope="session")
def write_trial(store_model: Callable[[Task, int], Path]) -> WriteTrial:
    """Writes the whole folder of a binary version on trial, as a pull would."""

    def write(folder: Path, version: int = 2, rule: Mapping[str, Any] | None = None, champion: int = 1) -> TrialPlan:
        shutil.copytree(store_model("binary", version), folder / IN_TRIAL)
        registration = Registration(
            model="flights-late", version=version, run_id="r", fingerprint="f",
            model_digest=files.digest(folder / IN_TRIAL / MODEL), seal=files.digest(folder / IN_TRIAL / SEAL),
            decision_digest="d", verdict="promote", decided="better", champion=champion, policy="p", commit="c",
            authors=("ada",), trained_on=TRAINED_ON, batches={}, judged_on=(), metrics={},
            phases=(Phase.model_validate("gate"), Phase.model_validate(rule or {"shadow": {"rows": 100}})),
            actor="ada", time="2013-08-02T00:00:00+00:00", reason="better",
        )  # fmt: skip
        serves = append([], _promotion(champion, model_digest="m", seal="s"))
        entries: list[Line] = [serves, append([serves], registration)]
        found = on_trial(candidates(entries, "flights-late", datetime.now(UTC)))
        assert found is not None
        write_plan(folder, found)
        return found

    return write


@pytest.fixture(scope="session")
def predictors(make_champion: MakeChampion, tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Predictor]:
    """A loaded champion of each task."""
    root = tmp_path_factory.mktemp("champions")
    loaded: dict[Task, Predictor] = {}
    for task in LABELS:
        make_champion(root / task, task=task)
        loaded[task] = Predictor.load(root / task)
    return loaded


@pytest.fixture(scope="session")
def rows() -> Rows:
    """Rows that the models have not seen, with nulls where they are allowed and one category that is new."""
    return [*_sample(99, 20), {"delay": 3, "wind": None, "carrier": "never seen", "gate": None}]


@pytest.fixture(scope="session")
def serving() -> Serving:
    """A real server on a free port of the loopback, in a thread, for whatever the state holds; gives its URL."""

    @contextmanager
    def serve(state: ServingState, service: PredictionService | None = None) -> Iterator[str]:
        app = create_app(state, max_rows=MAX_ROWS, service=service)
        config = uvicorn.Config(app, log_config=None, access_log=False)
        server = uvicorn.Server(config)
        with bound("127.0.0.1", 0) as taken:
            thread = threading.Thread(target=server.run, args=([taken],))
            thread.start()
            while not server.started:
                time.sleep(0.005)
            try:
                yield url_of(taken)
            finally:
                server.should_exit = True
                thread.join()

    return serve


@pytest.fixture(scope="session")
def clients(predictors: dict[Task, Predictor], serving: Serving) -> Iterator[dict[Task, httpx.Client]]:
    """A client of a server for the champion of each task."""
    with ExitStack() as stack:
        yield {
            task: stack.enter_context(httpx.Client(base_url=stack.enter_context(serving(ServingState(predictor)))))
            for task, predictor in predictors.items()
        }


@pytest.fixture(scope="session")
def client(clients: dict[Task, httpx.Client]) -> httpx.Client:
    """A client of the server for the binary champion."""
    return clients["binary"]


class _FolderSource:
    """`folder/champion` serves; `folder/head` changes with it; `folder/unreachable` breaks the connection."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def head(self) -> str | None:
        if (self._folder / "unreachable").exists():
            raise ServiceFailed("git ls-remote failed: no route to host")
        head = self._folder / "head"
        return head.read_text(encoding="utf-8") if head.exists() else None

    def pull(self, into: Path) -> None:
        shutil.copytree(self._folder / "champion", into)

    def pull_trial(self, into: Path) -> None:
        if (self._folder / "trial").exists():
            shutil.copytree(self._folder / "trial", into)
        else:
            into.mkdir()
            write_plan(into, None)

    def cancel(self) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """What `source` reads: an empty folder, so nothing serves yet."""
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.fixture
def source(published: Path) -> ModelSource:
    """A champion source that reads `published`."""
    return _FolderSource(published)


@pytest.fixture
def publish(published: Path, make_champion: MakeChampion) -> Callable[[int], None]:
    """Makes the given version of the binary model the champion that `source` names."""

    def put(version: int) -> None:
        shutil.rmtree(published / "champion", ignore_errors=True)
        make_champion(published / "champion", version)
        (published / "head").write_text(f"commit {version}", encoding="utf-8")

    return put


GIT = ("git", "-c", "init.defaultBranch=main")
PULL = """
import pathlib, shutil, sys

into = pathlib.Path(sys.argv[-1])
if "--trial" not in sys.argv:
    shutil.copytree("champion", into)
elif pathlib.Path("trial").exists():
    shutil.copytree("trial", into)
else:
    into.mkdir()
    (into / "trial.json").write_text("null")
"""


@pytest.fixture
def pull_says() -> Callable[[Path, str], None]:
    """Gives a project another `python -m ratchet champion pull`, as Python code that runs in the project."""

    def write(project: Path, code: str) -> None:
        (project / "ratchet").mkdir(exist_ok=True)
        (project / "ratchet" / "__init__.py").touch()
        (project / "ratchet" / "__main__.py").write_text(code, encoding="utf-8")

    return write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pull_says: Callable[[Path, str], None]) -> Path:
    """A repository with a bare `origin`, whose pull copies the folder `champion`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "project"
    subprocess.run([*GIT, "init", "--quiet", "--bare", str(tmp_path / "origin")], check=True)
    subprocess.run([*GIT, "init", "--quiet", str(root)], check=True)
    subprocess.run([*GIT, "remote", "add", "origin", str(tmp_path / "origin")], cwd=root, check=True)
    pull_says(root, PULL)
    return root
