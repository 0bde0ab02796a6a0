"""Estimators by name, and preprocessing that is fitted with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ratchet.core.estimators import ESTIMATORS, build_pipeline, usable
from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model, Task
from ratchet.errors import UsageError

INPUTS = [
    Feature(name="x", kind="number", nullable=True),
    Feature(name="kind", kind="category", nullable=True),
]
CLASSIFIERS: list[tuple[str, Task]] = [(name, "binary") for name in usable("binary")]
REGRESSORS: list[tuple[str, Task]] = [(name, "regression") for name in usable("regression")]


def table(rows: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=rows), "kind": pd.array(random.choice(["a", "b"], rows), dtype="str")})


@pytest.mark.parametrize(("name", "task"), [*CLASSIFIERS, *REGRESSORS])
def test_every_name_makes_a_pipeline_that_takes_unseen_and_missing_values(name: str, task: Task) -> None:
    """Each estimator fits, and scores a category it never saw and a number that is missing."""
    known = table()
    target = known["x"].to_numpy() if task == "regression" else (known["x"] > 0).to_numpy().astype(int)
    features = Features(numeric="scaled", categorical="onehot")
    pipeline = build_pipeline(INPUTS, task=task, features=features, model=Model(estimator=name)).fit(known, target)
    odd = pd.DataFrame({"x": [np.nan, 1.0], "kind": pd.array(["new", None], dtype="str")})
    assert np.isfinite(pipeline.predict(odd)).all()


def test_every_estimator_is_usable_for_some_task() -> None:
    """No name in the table leads nowhere."""
    assert set(ESTIMATORS) == {*usable("binary"), *usable("regression")}


@pytest.mark.parametrize(
    ("name", "task"), [("ridge", "binary"), ("logistic_regression", "regression"), ("x", "binary")]
)
def test_an_estimator_for_another_task_is_refused(name: str, task: Task) -> None:
    """The message names the estimator and the task, and the next step those that fit."""
    with pytest.raises(UsageError, match=f"'{name}' is not an estimator for {task}") as caught:
        build_pipeline(INPUTS, task=task, features=Features(), model=Model(estimator=name))
    assert usable(task)[0] in caught.value.next_step


def test_a_parameter_that_the_estimator_does_not_take_is_refused() -> None:
    """The parameter and the estimator are named, with what it takes."""
    model = Model(estimator="ridge", params={"max_iters": 3})
    with pytest.raises(UsageError, match="max_iters: not a parameter of Ridge") as caught:
        build_pipeline(INPUTS, task="regression", features=Features(), model=model)
    assert "max_iter" in caught.value.next_step


def test_the_seed_reaches_the_estimator() -> None:
    """What is random in a fit is seeded from params.yaml."""
    model = Model(estimator="random_forest", seed=7)
    pipeline = build_pipeline(INPUTS, task="binary", features=Features(), model=model)
    assert pipeline.named_steps["estimator"].random_state == 7
