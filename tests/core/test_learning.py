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
from ratchet.errors import DataRefused, UsageError

METRIC: dict[Task, str] = {"binary": "log_loss", "multiclass": "log_loss", "regression": "squared_error"}


def params(task: Task = "binary", features: dict[str, Any] | None = None, **model: Any) -> Params:
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": task, "target": "late"},
            "split": {},
            "features": features or {},
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
    found = cross_validate(
        {"1": batch(1, task), "2": batch(2, task), "3": test}, [Fold(("1", "2"), ("3",))], params(task)
    )
    plain = cross_validate(
        {"1": batch(1, task), "2": batch(2, task), "3": test},
        [Fold(("1", "2"), ("3",))],
        params(task, estimator="constant", params={}),
    )
    assert fitted.baseline == constant.baseline
    assert found["3"].metrics[METRIC[task]] < 0.8 * plain["3"].metrics[METRIC[task]]


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
    assert {name: fold.metrics for name, fold in found.items()} == expected
    assert {(fold.rows, fold.unscored) for fold in found.values()} == {(40, 0)}


def test_a_fold_is_scored_without_the_rows_of_a_class_that_comes_up_in_it() -> None:
    """No score stands for such rows: the metrics are those of the others alone, and the rows are counted."""
    first, later = batch(1, "multiclass"), batch(2, "multiclass")
    new = LabelledBatch(later.features, pd.DataFrame({TARGET: ["z"] * 10 + later.labels[TARGET].tolist()[10:]}))
    others = LabelledBatch(later.features[10:].reset_index(drop=True), later.labels[10:].reset_index(drop=True))
    fold = [Fold(("1",), ("2",))]
    found = cross_validate({"1": first, "2": new}, fold, params("multiclass"))["2"]
    without = cross_validate({"1": first, "2": others}, fold, params("multiclass"))["2"]
    assert (found.rows, found.unscored, without.unscored) == (40, 10, 0)
    assert found.metrics == without.metrics


def test_a_fold_of_new_classes_alone_has_no_metrics() -> None:
    """Nor does one whose training rows have nothing to tell apart; all of its rows are counted."""
    later = batch(2, "multiclass")
    unseen = LabelledBatch(later.features, pd.DataFrame({TARGET: ["z"] * 40}))
    only = LabelledBatch(batch(1).features, pd.DataFrame({TARGET: [True] * 40}))
    many = cross_validate({"1": batch(1, "multiclass"), "2": unseen}, [Fold(("1",), ("2",))], params("multiclass"))
    one = cross_validate({"1": only, "2": batch(2)}, [Fold(("1",), ("2",))], params())
    assert [(each["2"].metrics, each["2"].unscored) for each in (many, one)] == [({}, 40), ({}, 40)]


CLIP = {"outliers": {"action": "clip", "low": 0.1, "high": 0.9}}


def test_each_fold_learns_bounds_from_its_own_training_rows() -> None:
    """Wild rows that a fold is only scored on change nothing of its model: its metrics are those of a fit without."""
    calm, wild = batch(1), batch(2)
    wild = LabelledBatch(wild.features.assign(x=wild.features["x"] * 1e6), wild.labels)
    found = cross_validate({"1": calm, "2": wild}, [Fold(("1",), ("2",))], params(features=CLIP))["2"].metrics
    fitted = fit([calm], params(features=CLIP))
    target = wild.labels[TARGET].to_numpy(dtype=bool).astype(np.int64)
    assert found == measure(
        "binary", target, score(fitted.pipeline, "binary", model_inputs(wild.features, fitted.features))
    )
    bounds = fitted.treated.outliers["x"]
    assert [bounds.low, bounds.high] == pytest.approx(np.quantile(calm.features["x"], [0.1, 0.9]))


def test_dropping_outliers_is_fitting_without_those_rows() -> None:
    """The model, its rows and its baseline are those of the other rows; every row is still scored."""
    drop = {"outliers": {"action": "drop", "rule": "bounds", "low": -1.0, "high": 1.0}}
    whole = batch(1, "multiclass")
    stays = whole.features["x"].between(-1, 1).to_numpy()
    rest = LabelledBatch(whole.features[stays].reset_index(drop=True), whole.labels[stays].reset_index(drop=True))
    dropped, plain = fit([whole], params("multiclass", features=drop)), fit([rest], params("multiclass"))
    table = model_inputs(whole.features, plain.features)
    assert dropped.treated.dropped == 40 - stays.sum() > 0
    assert (dropped.rows, dropped.baseline, dropped.labels) == (plain.rows, plain.baseline, plain.labels)
    np.testing.assert_array_equal(
        score(dropped.pipeline, "multiclass", table), score(plain.pipeline, "multiclass", table)
    )


def test_dropping_every_row_is_refused() -> None:
    """Nothing would be left to learn from; the message says which section."""
    drop = {"outliers": {"action": "drop", "rule": "bounds", "low": 1e6}}
    with pytest.raises(DataRefused, match="preprocessing drops all 40 training rows") as caught:
        fit([batch(1)], params(features=drop))
    assert "features.outliers" in caught.value.next_step


def test_preprocessing_of_a_feature_that_is_not_there_is_refused() -> None:
    """Before anything is fitted, with the nearest feature."""
    with pytest.raises(UsageError, match=r"features.columns.kinds: .* did you mean kind"):
        fit([batch(1)], params(features={"columns": {"kinds": {"categorical": "onehot"}}}))


@pytest.mark.parametrize("classes", [2, 3])
def test_target_encoding_takes_as_many_classes_as_there_are(classes: int) -> None:
    """Also two classes of a task that may have more."""
    rows = batch(1, "multiclass")
    keep = rows.labels[TARGET].isin(["a", "b", "c"][:classes]).to_numpy()
    some = LabelledBatch(rows.features[keep].reset_index(drop=True), rows.labels[keep].reset_index(drop=True))
    fitted = fit([some], params("multiclass", features={"categorical": "target"}))
    found = score(fitted.pipeline, "multiclass", model_inputs(some.features, fitted.features))
    assert found.shape == (keep.sum(), classes)


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
