"""A model on disk: the same model is the same bytes, and nothing is built before it is known to be safe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import skops.io
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ratchet.core.estimators import ESTIMATORS, build_pipeline
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project, Task
from ratchet.core.scoring import Scores, frame, score
from ratchet.errors import ServiceFailed, TamperedFile, UsageError
from ratchet.io import files, model_folder
from ratchet.io.golden import GOLDEN, require_golden, write_golden
from ratchet.io.model_folder import MODEL, RECORD, SEAL, LoadedModel

INPUTS = [
    Feature(name="x", kind="number", nullable=True, example=1.0),
    Feature(name="c", kind="category", nullable=True, example="a"),
]
RANDOM = np.random.default_rng(0)
COLUMNS: dict[str, list[Any]] = {
    "x": [None, *RANDOM.normal(size=79).tolist()],
    "c": [None, *RANDOM.choice(["a", "b", "c"], size=79).tolist()],
}


def target(task: Task) -> NDArray[np.float64]:
    x = np.array([value or 0.0 for value in COLUMNS["x"]])
    return x if task == "regression" else np.digitize(x, [0.0] if task == "binary" else [-0.5, 0.5]).astype(np.float64)


def fitted(estimator: str, task: Task) -> Any:
    """A small pipeline, fitted; trees are kept few."""
    params: dict[str, Any] = {"n_estimators": 3} if estimator.endswith(("forest", "trees")) else {}
    params = {"max_iter": 3, "min_samples_leaf": 5} if estimator == "hist_gradient_boosting" else params
    features = Features(categorical="onehot", numeric="scaled")
    if estimator == "hist_gradient_boosting":
        features = Features()
    model = Model(estimator=estimator, params=params)
    pipeline = build_pipeline(INPUTS, task=task, features=features, model=model)
    return pipeline.fit(frame(INPUTS, COLUMNS), target(task))


def record(task: Task, digest: str) -> ModelRecord:
    project = Project(name="m", room="r", task=task, target="y")
    return ModelRecord(
        task=task, target="y", features=INPUTS, labels=[], baseline=[0.5], threshold=0.5,
        recipe=Recipe(project=project, features=Features(), model=Model(estimator="ridge")),
        trained_on={"a": "x"}, rows=80, model_digest=digest, libraries={},
    )  # fmt: skip


def scores(pipeline: Any, task: Task) -> Scores:
    return score(pipeline, task, frame(INPUTS, COLUMNS))


def write(folder: Path, pipeline: Any, task: Task) -> str:
    """A sealed folder with a room; returns the seal."""
    model_folder.write_record(folder, record(task, model_folder.write_model(folder / MODEL, pipeline)))
    room = folder.parent / "room"
    files.write_text(room / "__init__.py", "")
    files.write_text(room / "features.py", "x = 1\n")
    model_folder.copy_room(room, folder)
    return model_folder.write_seal(folder)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A sealed model folder, to be copied."""
    folder = tmp_path_factory.mktemp("model") / "folder"
    return folder, write(folder, fitted("hist_gradient_boosting", "binary"), "binary")


@pytest.fixture
def folder(sealed: tuple[Path, str], tmp_path: Path) -> Path:
    """A sealed model folder, to be spoilt."""
    return Path(shutil.copytree(sealed[0], tmp_path / "folder"))


KINDS = [
    (name, task)
    for name, (classifier, regressor) in ESTIMATORS.items()
    for task, kind in (("binary", classifier), ("multiclass", classifier), ("regression", regressor))
    if kind
]


@pytest.mark.parametrize(("estimator", "task"), KINDS, ids=str)
def test_every_estimator_comes_back_with_the_same_predictions(tmp_path: Path, estimator: str, task: Task) -> None:
    """Saved and loaded, each kind of model says exactly what it said; fitted again, it is the same file."""
    pipeline = fitted(estimator, task)
    seal = write(tmp_path / "m", pipeline, task)
    loaded = model_folder.read(tmp_path / "m", seal=seal)
    np.testing.assert_array_equal(scores(loaded.pipeline, task), scores(pipeline, task))
    assert model_folder.write_model(tmp_path / "again.skops", fitted(estimator, task)) == loaded.record.model_digest


def test_the_record_comes_back_as_it_was(folder: Path) -> None:
    """What is known about a model survives its file."""
    assert model_folder.read_record(folder) == record("binary", files.digest(folder / MODEL))


def test_another_process_writes_the_same_bytes(sealed: tuple[Path, str], tmp_path: Path) -> None:
    """The same fit in a process with other memory addresses and another hash seed is the same file."""
    program = (
        "import sys; sys.path[:0] = sys.argv[3:]; import runpy; tests = runpy.run_path(sys.argv[1]);"
        "pipeline = tests['fitted']('hist_gradient_boosting', 'binary');"
        "tests['model_folder'].write_model(tests['Path'](sys.argv[2]), pipeline)"
    )
    source = str(Path(model_folder.__file__).parents[2])
    other = tmp_path / "other.skops"
    subprocess.run(
        [sys.executable, "-c", program, __file__, str(other), source],
        env={**os.environ, "PYTHONHASHSEED": "4711", "OMP_NUM_THREADS": "1"},
        check=True,
    )
    assert files.digest(other) == files.digest(sealed[0] / MODEL)


def reseal(folder: Path) -> None:
    """Change the record and write a seal that fits it."""
    flip(folder / RECORD)
    model_folder.write_seal(folder)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


SPOILS: dict[str, Callable[[Path], object]] = {
    "a flipped byte of the model": lambda folder: flip(folder / MODEL),
    "a flipped byte of the record": lambda folder: flip(folder / RECORD),
    "a flipped byte of the room": lambda folder: flip(folder / "src" / "room" / "features.py"),
    "a flipped byte of the seal": lambda folder: flip(folder / SEAL),
    "a missing file": lambda folder: (folder / "src" / "room" / "features.py").unlink(),
    "a missing seal": lambda folder: (folder / SEAL).unlink(),
    "an extra file": lambda folder: (folder / "src" / "room" / "more.py").write_text("", encoding="utf-8"),
    "an extra file named like the seal": lambda folder: (folder / "src" / SEAL).write_text("", encoding="utf-8"),
    "a seal of its own": reseal,
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_sealed_folder_that_was_altered_is_not_loaded(
    sealed: tuple[Path, str], folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    """Whatever was changed, added or taken away, the model is refused before anything is built."""
    monkeypatch.setattr(model_folder, "_construct", lambda path: pytest.fail(f"{path} was built"))
    SPOILS[spoil](folder)
    with pytest.raises(TamperedFile, match=r"it was not used|files that were not sealed"):
        model_folder.read(folder, seal=sealed[1])


def test_the_ledgers_entry_beside_the_model_is_no_part_of_the_seal(sealed: tuple[Path, str], folder: Path) -> None:
    """champion.json names the seal, so it cannot be under it."""
    (folder / model_folder.CHAMPION).write_text("{}", encoding="utf-8")
    model_folder.verify_seal(folder, sealed[1])


def test_without_a_seal_the_models_bytes_are_checked_all_the_same(folder: Path) -> None:
    """The pipeline's own output is verified against its record."""
    flip(folder / MODEL)
    with pytest.raises(TamperedFile, match=r"model\.skops has SHA-256"):
        model_folder.read(folder)


@pytest.mark.parametrize("text", [None, "", "{}"], ids=["absent", "empty", "wrong"])
def test_a_record_that_cannot_be_read_is_said(folder: Path, text: str | None) -> None:
    """Without its record a model is not used."""
    (folder / RECORD).unlink()
    if text is not None:
        (folder / RECORD).write_text(text, encoding="utf-8")
    with pytest.raises(ServiceFailed, match=r"model\.json cannot be read"):
        model_folder.read(folder)


class Planted(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A type that nobody trusts, and that remembers being built."""

    built: ClassVar[list[str]] = []

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.built.append("built")
        super().__setstate__(state)

    def fit(self, table: list[Any]) -> Planted:
        """Learn something, so that there is a state to restore."""
        self.learnt_ = len(table)
        return self


def test_a_type_that_is_not_trusted_is_refused_before_it_is_built(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that asks for somebody's class is refused by name, and the class is never run."""
    monkeypatch.setitem(sys.modules, "planted", sys.modules[__name__])
    monkeypatch.setattr(Planted, "__module__", "planted")
    pipeline = fitted("ridge", "regression")
    pipeline.steps[-1] = ("estimator", Planted().fit(COLUMNS["x"]))
    digest = model_folder.write_model(folder / MODEL, pipeline)
    model_folder.write_record(folder, record("regression", digest))
    with pytest.raises(UsageError, match=r"types that are not trusted: planted\.Planted"):
        model_folder.read(folder, seal=model_folder.write_seal(folder))
    assert Planted.built == []


def test_libraries_that_cannot_build_it_are_an_outside_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they raise: the message has it, and says where the right versions stand."""

    def load(_path: Path, **_more: object) -> None:
        raise AttributeError("module 'trees' has no attribute 'Tree'")

    monkeypatch.setattr(skops.io, "load", load)
    with pytest.raises(ServiceFailed, match=r"model\.skops cannot be loaded here: AttributeError: .*Tree") as failed:
        model_folder.read(folder)
    assert "libraries" in failed.value.next_step


def test_golden_requests_are_answered_as_they_were_or_it_is_said_why_not(folder: Path) -> None:
    """The same model does; one that answers otherwise, or raises, cannot serve here."""
    model = model_folder.read(folder)
    assert require_golden(folder, model) == 0
    write_golden(folder, model)
    assert require_golden(folder, model) > 0
    steps = dict(model.pipeline.named_steps)
    other = LoadedModel(model.record, Pipeline(list(steps.items())[:-1]))
    with pytest.raises(ServiceFailed, match="cannot serve here: it does not answer: AttributeError"):
        require_golden(folder, other)
    golden = json.loads((folder / GOLDEN).read_text(encoding="utf-8"))
    golden["scores"][0][0] += 1e-6
    (folder / GOLDEN).write_text(json.dumps(golden), encoding="utf-8")
    with pytest.raises(ServiceFailed, match="cannot serve here"):
        require_golden(folder, model)


def test_a_model_can_be_copied_without_its_room(folder: Path, tmp_path: Path) -> None:
    """The two files of a model are enough to load it."""
    (tmp_path / "copy").mkdir()
    model_folder.copy(folder, tmp_path / "copy")
    loaded = model_folder.read(tmp_path / "copy")
    np.testing.assert_array_equal(
        scores(loaded.pipeline, "binary"), scores(model_folder.read(folder).pipeline, "binary")
    )
