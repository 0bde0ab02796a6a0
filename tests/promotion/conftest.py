"""A project with everything that promotion touches: two clones of one remote, an MLflow store, recorded runs.

What a run computes is made up; all else is real: git, MLflow, seals, golden requests, models that load and answer.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ratchet.core.decision import Decision, Evidence
from ratchet.core.estimators import build_pipeline
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.ledger_entries import Line
from ratchet.core.looked_at import LookedAt
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Gate, Model, Params, Project, parse_params
from ratchet.core.scoring import frame
from ratchet.core.tracked_run import RunFacts
from ratchet.flows.ledger import ledger
from ratchet.io import files, mlflow_model, model_folder
from ratchet.io.git import LOCATORS, git
from ratchet.io.mlflow import Tracking, tracking
from ratchet.settings import Settings, load_settings

NAME = "parcels"
START = datetime(2026, 1, 1, tzinfo=UTC)
TREE: dict[str, Any] = {
    "project": {"name": NAME, "room": "room", "task": "binary", "target": "late"},
    "split": {}, "features": {}, "evaluate": {}, "model": {"estimator": "hist_gradient_boosting"},
    "gate": {"metric": "log_loss"},
}  # fmt: skip
INPUTS = [Feature(name="x", kind="number", nullable=False, example=0.5)]
_numbers = itertools.count(1)


def _estimate(value: float) -> Estimate:
    return Estimate(
        value=value, low=value - 0.01, high=value + 0.01, standard_error=0.01, rows=400, clusters=20,
        assumed_independent=False,
    )  # fmt: skip


def _decision(champion: int | None) -> Decision:
    return Decision(
        verdict="promote", reason="better", would_change="nothing", missing=None, conditions=(),
        policy=Gate(metric="log_loss"),
        evidence=Evidence(
            task="binary", metric="log_loss", reference="champion" if champion else "baseline", champion=champion,
            challenger_is_champion=False, comparison=None, no_comparison="", metrics=(), holdout=("02",),
            contaminated=(),
        ),
    )  # fmt: skip


def _evaluation(champion: int | None) -> Evaluation:
    return Evaluation(
        task="binary", labels=["no", "yes"], reference="champion" if champion else "baseline", champion=champion,
        champion_entry="", challenger_is_champion=False, refit=False, no_comparison="", holdout={"02": "b"},
        contaminated=[], rows=400, clusters=20,
        metrics=[
            MetricRow(
                name="log_loss", meaning="m", direction="lower", models={"challenger": _estimate(0.4)},
                gain=_estimate(0.1),
            )
        ],
        looked_at=LookedAt(kind="open", batches={"02": "b"}, rows=400, clusters=20),
    )  # fmt: skip


def _train(root: Path, number: int) -> None:
    """A fitted model as the pipeline leaves it, for each number another one: what was rolled back may not come back."""
    columns = {"x": np.random.default_rng(number).normal(size=60).tolist()}
    model = Model(estimator="hist_gradient_boosting", params={"max_iter": 2, "min_samples_leaf": 5})
    pipeline = build_pipeline(INPUTS, task="binary", features=Features(), model=model)
    pipeline.fit(frame(INPUTS, columns), np.array(columns["x"]) > 0)
    project = Project(name=NAME, room="room", task="binary", target="late")
    record = ModelRecord(
        task="binary", target="late", features=INPUTS, labels=["no", "yes"], baseline=[0.5, 0.5], threshold=0.5,
        recipe=Recipe(project=project, features=Features(), model=model), trained_on={"01": "a"}, rows=60,
        model_digest=model_folder.write_model(root / model_folder.MODEL, pipeline), libraries={},
    )  # fmt: skip
    model_folder.write_record(root, record)


@dataclass
class Site:
    """The project, and a clock that goes on by a minute whenever it is asked."""

    base: Path
    time: datetime = field(default=START)

    @property
    def uri(self) -> str:
        """The MLflow store."""
        return f"sqlite:///{self.base / 'mlflow.db'}"

    def clock(self) -> datetime:
        """A minute later than the last time."""
        self.time += timedelta(minutes=1)
        return self.time

    def settings(self, clone: str = "one", actor: str = "ada") -> Settings:
        """Of somebody at one of the clones."""
        found = load_settings(self.base / clone, {"MLFLOW_TRACKING_URI": self.uri, "RATCHET_ACTOR": actor})
        return replace(found, git_remote="origin")

    @property
    def params(self) -> Params:
        """As params.yaml has them."""
        return parse_params(yaml.safe_load((self.base / "one" / "params.yaml").read_text(encoding="utf-8")))

    def store(self) -> AbstractContextManager[Tracking]:
        """The store, to be opened."""
        return tracking(self.uri, NAME)

    def entries(self, clone: str = "one") -> tuple[Line, ...]:
        """The ledger, as a clone reads it."""
        return ledger(self.settings(clone), self.params).read()

    def changes(self) -> list[tuple[str, int]]:
        """Promotions and rollbacks, oldest first."""
        return [(e.kind, e.version) for e in self.entries() if e.kind in ("promotion", "rollback")]

    def serving(self) -> int | None:
        """What the ledger says."""
        found = ledger(self.settings(), self.params).champion(NAME)
        return found.version if found else None

    def alias(self) -> int | None:
        """What MLflow says."""
        with self.store() as store:
            return store.alias("champion")

    def record(self, champion: int | None) -> str:
        """A recorded run that was compared with this champion and is better; returns its id."""
        number = next(_numbers)
        folder = self.base / f"run-{number}"
        _train(folder / "model", number)
        decision, evaluation = folder / "decision.json", folder / "evaluation.json"
        files.write_json(decision, _decision(champion).model_dump(mode="json"))
        files.write_json(evaluation, _evaluation(champion).model_dump(mode="json"))
        facts = RunFacts(
            fingerprint=f"fingerprint {number}", name="02", params={}, metrics={}, tags={},
            artifacts={
                "decision": [decision], "evaluation": [evaluation],
                "lineage": [self.base / "one" / "params.yaml"],
            },
            inputs={"training": {"01": "a"}, "evaluation": {"02": "b"}},
            model=folder / "model", room=self.base / "one" / "src" / "room",
        )  # fmt: skip
        with self.store() as store:
            return store.record(facts).run_id


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database with its tables and nothing in them: making them takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with tracking(f"sqlite:///{path}", NAME) as store:
        store.finished(1)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with nobody's settings but a name for commits, and models without MLflow's own files beside them."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@localhost\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*LOCATORS, "GIT_CONFIG_GLOBAL", "MLFLOW_TRACKING_URI", "DVC_REMOTE_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setattr(mlflow_model, "save", lambda _model, target: target.mkdir(parents=True))
        yield home


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Callable[..., Site]:
    """Makes a project with these phases (the gate alone, if none are given) and roles."""

    def make(*phases: Any, **promotion: Any) -> Site:
        base = tmp_path_factory.mktemp("site")
        shutil.copyfile(empty_store, base / "mlflow.db")
        tree = {**TREE, "promotion": {"phases": list(phases or ("gate",)), **promotion}}
        files.write_text(base / "one" / "params.yaml", yaml.safe_dump(tree))
        files.write_text(base / "one" / "src" / "room" / "features.py", "x = 1\n")
        git(["init", "--quiet", "--bare", "-b", "main", "origin.git"], cwd=base)
        for args in (["init", "-b", "main"], ["add", "-A"], ["commit", "-m", "first"]):
            git([args[0], "--quiet", *args[1:]] if args[0] != "add" else args, cwd=base / "one")
        git(["remote", "add", "origin", str(base / "origin.git")], cwd=base / "one")
        git(["push", "--quiet", "origin", "main"], cwd=base / "one")
        git(["clone", "--quiet", str(base / "origin.git"), "two"], cwd=base)
        return Site(base)

    return make
