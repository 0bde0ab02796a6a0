"""Fitting, and walking forward over the training batches."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.feature_table import TARGET, LabelledBatch, model_inputs
from ratchet.core.learning import as_json, cross_validate, fit, spread
from ratchet.core.metrics import measure
from ratchet.core.params import Params, Task, parse_params
from ratchet.core.scoring import score
from ratchet.core.split import Fold, plan_split
from ratchet.errors import DataRefused

METRIC: dict[Task, str] = {"binary": "log_loss", "multiclass": "log_loss", "regression": "squared_error"}


def params(task: Task = "binary", **model: Any) -> Params:
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": task, "target": "late"},
            "split": {},
            "features": {},
            "model": {"estimator": "hist_gradient_boosting", "params": {"max_iter": 5, "min_samples_leaf": 5}, **model},
            "evaluate": {},
            "gate": {"metric": METRIC[task]},
        }
    )


def batch(seed: int, task: Task = "binary", rows: int = 40) -> LabelledBatch:
    """Rows whose target follows x, with some noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    noisy = x + 0.3 * random.normal(size=rows)
    target: pd.Series = pd.Series(noisy)
    if task == "binary":
        target = pd.Series(noisy > 0)
    elif task == "multiclass":
        target = pd.Series(np.array(["a", "b", "c"])[np.digitize(noisy, [-0.5, 0.5])])
    kinds = random.choice(["u", "v"], size=rows)
    return LabelledBatch(pd.DataFrame({"x": x, "kind": kinds}), pd.DataFrame({TARGET: target}))


@pytest.mark.parametrize(
    ("task", "labels"), [("binary", ["false", "true"]), ("multiclass", ["a", "b", "c"]), ("regression", [])]
)
def test_a_fit_says_what_it_learnt_from(task: Task, labels: list[str]) -> None:
    """Its inputs, labels and rows are those of all batches together, and the baseline is their plain mean."""
    batches = [batch(1, task), batch(2, task)]
    fitted = fit(batches, params(task))
    target = pd.concat([one.labels[TARGET] for one in batches])
    shares = [float(np.mean(target.astype(str).str.lower() == label)) for label in labels]
    assert ([feature.name for feature in fitted.features], fitted.labels, fitted.rows) == (["x", "kind"], labels, 80)
    assert fitted.baseline == pytest.approx(shares if labels else [float(target.mean())])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_fit_learns(task: Task) -> None:
    """On rows that it never saw it loses less than the constant that knows only the target."""
    fitted, test = fit([batch(1, task), batch(2, task)], params(task)), batch(3, task)
    constant = fit([batch(1, task), batch(2, task)], params(task, estimator="constant", params={}))
    found = cross_validate({"1": batch(1, task), "2": batch(2, task), "3": test}, [Fold(("1", "2"), "3")], params(task))
    plain = cross_validate(
        {"1": batch(1, task), "2": batch(2, task), "3": test},
        [Fold(("1", "2"), "3")],
        params(task, estimator="constant", params={}),
    )
    assert fitted.baseline == constant.baseline
    assert found["3"][METRIC[task]] < 0.8 * plain["3"][METRIC[task]]


def test_the_same_fit_twice_says_the_same() -> None:
    """Nothing random is left to chance: the seed is a parameter."""
    forest = params(estimator="random_forest", params={"n_estimators": 5})
    table = batch(9).features
    one, other = (fit([batch(1)], forest) for _ in range(2))
    np.testing.assert_array_equal(
        score(one.pipeline, "binary", model_inputs(table, one.features)),
        score(other.pipeline, "binary", model_inputs(table, other.features)),
    )


def test_another_seed_is_another_forest() -> None:
    """The seed reaches the estimator."""
    table = batch(9).features
    one, other = (
        score(fitted.pipeline, "binary", model_inputs(table, fitted.features))
        for fitted in (
            fit([batch(1)], params(estimator="random_forest", params={"n_estimators": 5}, seed=seed)) for seed in (0, 1)
        )
    )
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("value", [True, False])
def test_one_class_alone_is_refused(value: bool) -> None:
    """There is nothing to tell apart: the target and the rows are named."""
    only = LabelledBatch(batch(1).features, pd.DataFrame({TARGET: [value] * 40}))
    with pytest.raises(DataRefused, match="the target late has one class only in the 80 training rows"):
        fit([only, only], params())


def test_batches_with_other_features_are_refused() -> None:
    """The columns that one batch has and another has not are named; another order is said to be one."""
    first, second = batch(1), batch(2)
    fewer = LabelledBatch(second.features[["x"]].assign(more=1.0), second.labels)
    turned = LabelledBatch(second.features[["kind", "x"]], second.labels)
    with pytest.raises(DataRefused, match="batches have different features: kind, more"):
        fit([first, fewer], params())
    with pytest.raises(DataRefused, match="batches have different features: another order"):
        fit([first, turned], params())


def test_each_fold_is_fitted_on_what_came_before_it_alone() -> None:
    """A fold's metrics are those of a fit on its training batches, scored on its own batch."""
    batches = {name: batch(int(name)) for name in "1234"}
    plan = plan_split([*batches, "5"], holdout=1, folds=2)
    found = cross_validate(batches, plan.folds, params())
    expected = {}
    for train, test in ((("1", "2"), "3"), (("1", "2", "3"), "4")):
        fitted = fit([batches[name] for name in train], params())
        table = model_inputs(batches[test].features, fitted.features)
        target = batches[test].labels[TARGET].to_numpy(dtype=bool).astype(np.int64)
        expected[test] = measure("binary", target, score(fitted.pipeline, "binary", table))
    assert found == expected


def test_a_class_that_only_the_scored_batch_has_is_refused() -> None:
    """No score stands for it, and it is named."""
    later = batch(2, "multiclass")
    unseen = LabelledBatch(later.features, pd.DataFrame({TARGET: ["z"] * 40}))
    with pytest.raises(DataRefused, match="classes that training did not: z"):
        cross_validate({"1": batch(1, "multiclass"), "2": unseen}, [Fold(("1",), "2")], params("multiclass"))


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_the_spread_is_mean_and_sample_deviation(values: list[float]) -> None:
    """As the standard library computes them."""
    found = spread({str(place): {"auc": value} for place, value in enumerate(values)})
    assert found["auc"] == pytest.approx(
        {"mean": statistics.fmean(values), "sd": statistics.stdev(values)}, rel=1e-6, abs=1e-6
    )


def test_one_fold_has_no_deviation_and_none_has_nothing() -> None:
    """A deviation of one number is not zero: it is not there."""
    assert spread({"a": {"auc": 0.7}}) == {"auc": {"mean": 0.7}}
    assert spread({}) == {}


def test_what_is_undefined_is_null_in_json() -> None:
    """A fold with one class has no AUC: a file says null, as JSON has no NaN."""
    assert as_json({"a": {"roc_auc": float("nan"), "brier": 0.25}}) == {"a": {"roc_auc": None, "brier": 0.25}}
