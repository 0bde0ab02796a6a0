"""A model with every kind of preprocessing: saved and read here, and by MLflow where Ratchet is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratchet.core.feature_params import Features
from ratchet.core.feature_table import TARGET, LabelledBatch, model_inputs
from ratchet.core.learning import Fitted, fit
from ratchet.core.params import Params, parse_params
from ratchet.core.scoring import frame, score
from ratchet.io import model_folder
from ratchet.io.files import write_json, write_text
from ratchet.io.mlflow_model import save
from ratchet.stages.train import write

EVERYTHING: dict[str, Any] = {
    "missing": {"number": "median", "indicator": True},
    "rare": {"min_count": 8},
    "columns": {
        "far": {"outliers": {"action": "clip", "low": 0.05, "high": 0.95}, "numeric": "scaled"},
        "odd": {"outliers": {"action": "flag", "rule": "tukey"}, "missing": "leave"},
        "hour": {"periodic": {"period": 24}, "missing": "leave"},
        "one": {"categorical": "onehot"},
        "two": {"categorical": "target"},
        "three": {"missing": "most_frequent"},
    },
}
ELSEWHERE = """
import importlib.util, sys
import numpy as np, pandas as pd, mlflow.pyfunc

if importlib.util.find_spec("ratchet") is not None:
    sys.exit("ratchet is here")
folder, table, scores = sys.argv[1:]
np.save(scores, mlflow.pyfunc.load_model(folder).predict(pd.read_parquet(table)))
"""


def params(features: dict[str, Any]) -> Params:
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": "binary", "target": "y"},
            "split": {},
            "features": features,
            "model": {"estimator": "hist_gradient_boosting", "params": {"max_iter": 5, "min_samples_leaf": 5}},
            "evaluate": {},
            "gate": {"metric": "log_loss"},
        }
    )


def batch(rows: int = 120) -> LabelledBatch:
    """Each feature carries some of the label, so that each is used."""
    random = np.random.default_rng(0)
    numbers = random.standard_cauchy(size=(rows, 2))
    hours = random.integers(0, 24, rows).astype(float)
    texts = random.choice(["a", "b", "c", "d"], p=[0.5, 0.3, 0.15, 0.05], size=(rows, 3)).astype(object)
    label = (numbers[:, 0] > 0) ^ (texts[:, 0] == "a") ^ (hours > 12)
    missing = random.random((rows, 6)) < 0.1
    table = pd.DataFrame({"far": numbers[:, 0], "odd": numbers[:, 1], "hour": hours})
    table = table.assign(**{name: texts[:, place] for place, name in enumerate(("one", "two", "three"))})
    return LabelledBatch(table.mask(missing), pd.DataFrame({TARGET: label}))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """A model that uses all there is."""
    return fit([batch()], params(EVERYTHING))


@pytest.fixture(scope="module")
def saved(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder, as the stage writes it."""
    folder = tmp_path_factory.mktemp("model")
    write(folder, fitted, batches={"1": batch()}, trained_on={"1": "x"}, params=params(EVERYTHING))
    return folder


def rows_to_score(fitted: Fitted) -> pd.DataFrame:
    odd: dict[str, list[Any]] = {
        "far": [1e12, None], "odd": [-1e12, None], "hour": [25.0, None],
        "one": ["new", None], "two": ["new", None], "three": ["new", None],
    }  # fmt: skip
    known = model_inputs(batch().features, fitted.features)
    return pd.concat([frame(fitted.features, odd), known], ignore_index=True)


def test_a_saved_model_is_the_same_model(fitted: Fitted, saved: Path, tmp_path: Path) -> None:
    """It is read back with nothing but trusted parts, gives equal scores, and is the same file when saved again."""
    table = rows_to_score(fitted)
    again = model_folder.read(saved)
    np.testing.assert_array_equal(score(again.pipeline, "binary", table), score(fitted.pipeline, "binary", table))
    assert model_folder.write_model(tmp_path / "model.skops", again.pipeline) == again.record.model_digest


def test_the_record_says_what_was_done(fitted: Fitted, saved: Path) -> None:
    """The counts travel with the model, and so does the section that made it."""
    record = model_folder.read_record(saved)
    assert record.preprocessing == fitted.treated
    assert record.recipe.features == Features.model_validate(EVERYTHING)
    assert set(record.preprocessing.outliers) == {"far", "odd"}
    assert record.preprocessing.outliers["far"].below > 0


def test_a_record_of_before_says_nothing_was_done(saved: Path, tmp_path: Path) -> None:
    """An older champion has no such key, and is read."""
    record = model_folder.read_record(saved)
    older = record.model_dump(
        exclude={"preprocessing": True, "seen": True, "recipe": {"features": {"missing", "rare"}}}
    )
    write_json(tmp_path / model_folder.RECORD, older)
    assert model_folder.read_record(tmp_path).preprocessing.lines() == []


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:mlflow")
@pytest.mark.filterwarnings("ignore:.*:FutureWarning:mlflow")
@pytest.mark.filterwarnings("ignore:.*:UserWarning:mlflow")
def test_mlflow_scores_the_same_where_ratchet_is_not_installed(fitted: Fitted, saved: Path, tmp_path: Path) -> None:
    """In a process that cannot import ratchet, pyfunc loads the model and says what the pipeline says."""
    table = rows_to_score(fitted)
    save(model_folder.read(saved), tmp_path / "mlflow")
    table.to_parquet(tmp_path / "table.parquet")
    write_text(tmp_path / "elsewhere.py", ELSEWHERE)
    arguments = [str(tmp_path / name) for name in ("elsewhere.py", "mlflow", "table.parquet", "scores.npy")]
    # -S and the bare path of the libraries: the project's own editable install, a .pth file, is not followed.
    libraries = str(Path(np.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": libraries, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true"}
    done = subprocess.run(
        [sys.executable, "-S", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), score(fitted.pipeline, "binary", table))
