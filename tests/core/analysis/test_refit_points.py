"""What fixed rows say about a fit to a part of the training rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ratchet.core.analysis.learning_parts import RowSpan
from ratchet.core.analysis.refit import Reference, fold_estimates
from ratchet.core.feature_table import CLUSTER, TARGET, LabelledBatch, encode_target, model_inputs
from ratchet.core.learning import Fitted, cross_validate, fit
from ratchet.core.metrics import row_losses
from ratchet.core.params import Params, Task, parse_params
from ratchet.core.scoring import score
from ratchet.core.split import Fold

NAMES = ("b1", "b2", "b3")
SPAN = RowSpan("oldest first", 0, 60)


def params(task: Task) -> Params:
    """A small tree model."""
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": task, "target": "t"},
            "split": {},
            "features": {},
            "model": {"estimator": "hist_gradient_boosting", "params": {"max_iter": 5, "min_samples_leaf": 5}},
            "evaluate": {},
            "gate": {"metric": "squared_error" if task == "regression" else "log_loss"},
        }
    )


def batch(seed: int, task: Task) -> LabelledBatch:
    """Sixty rows of twelve days."""
    random = np.random.default_rng(seed)
    x = random.normal(size=60)
    noisy = x + random.normal(size=60)
    target = (
        pd.Series(noisy) if task == "regression" else pd.Series(np.array(["a", "b", "c"])[np.digitize(noisy, [-1, 1])])
    )
    days = np.repeat([f"d{day:02d}" for day in range(12)], 5)
    return LabelledBatch(pd.DataFrame({"x": x}), pd.DataFrame({CLUSTER: days, TARGET: target}))


def reference(fitted: Fitted, rows: LabelledBatch, task: Task, metric: str) -> Reference:
    """Rows that were not trained on, and what the whole model loses there."""
    target = encode_target(rows.labels[TARGET], fitted.labels, task)
    scores = score(fitted.pipeline, task, model_inputs(rows.features, fitted.features))
    return Reference(
        task=task,
        metric=metric,
        alpha=0.1,
        labels=fitted.labels,
        features=rows.features,
        target=target,
        clusters=rows.labels[CLUSTER].to_numpy(dtype=object),
        losses=row_losses(metric, target, scores),
    )


def test_the_whole_model_does_not_lag_behind_itself() -> None:
    """Its lag is exactly 0, and its loss has an interval over clusters."""
    whole = fit([batch(1, "regression"), batch(2, "regression")], params("regression"))
    fixed = reference(whole, batch(3, "regression"), "regression", "squared_error")
    point = fixed.point(SPAN, NAMES[:2], whole)
    assert point.lag is not None
    assert point.loss is not None
    assert (point.lag.value, point.lag.low, point.lag.high) == (0.0, 0.0, 0.0)
    assert point.loss.value == pytest.approx(fixed.losses.mean())
    assert (point.loss.clusters, point.first, point.last, point.rows) == (12, "b1", "b2", 60)


def test_a_worse_model_lags_by_the_difference_of_its_losses() -> None:
    """The lag is the mean of the differences, row by row."""
    task: Task = "regression"
    whole, part = fit([batch(1, task), batch(2, task)], params(task)), fit([batch(1, task)], params(task))
    fixed = reference(whole, batch(3, task), task, "squared_error")
    point = fixed.point(SPAN, NAMES[:1], part)
    other = reference(part, batch(3, task), task, "squared_error")
    assert point.lag is not None
    assert point.lag.value == pytest.approx((other.losses - fixed.losses).mean())


def test_a_model_that_has_not_seen_every_class_is_not_scored() -> None:
    """Its probabilities are about other classes; the point says so instead of a number."""
    task: Task = "multiclass"
    few = batch(1, task)
    few.labels.loc[few.labels[TARGET] == "c", TARGET] = "b"
    whole, part = fit([batch(2, task)], params(task)), fit([few], params(task))
    point = reference(whole, batch(3, task), task, "log_loss").point(SPAN, NAMES[:1], part)
    assert (point.loss, point.lag, point.note) == (None, None, "it has seen 2 of 3 classes")


def test_a_fit_that_failed_says_why() -> None:
    """There is a point without a number, and the reason."""
    whole = fit([batch(2, "regression")], params("regression"))
    point = reference(whole, batch(3, "regression"), "regression", "squared_error").point(SPAN, NAMES, None, "no rows")
    assert (point.loss, point.note) == (None, "no rows")


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_a_fold_has_the_values_of_cross_validation(task: Task) -> None:
    """Every metric is what `ratchet run` wrote, now with an interval; rows of an unknown class are left out alike."""
    batches = {name: batch(seed, task) for seed, name in enumerate(NAMES)}
    if task == "multiclass":
        batches["b3"].labels.loc[:4, TARGET] = "d"
    fold = Fold(train=NAMES[:2], test=NAMES[2:])
    expected = cross_validate(batches, [fold], params(task))["b3"]
    fitted = fit([batches["b1"], batches["b2"]], params(task))
    found = fold_estimates(fitted, {"b3": batches["b3"]}, batch="b3", params=params(task))
    assert found.values == pytest.approx(expected.metrics)
    assert (found.rows, bool(found.note)) == (expected.rows if task == "regression" else 55, task == "multiclass")
    for estimate in found.intervals.values():
        assert estimate.clusters == (12 if task == "regression" else 11)
