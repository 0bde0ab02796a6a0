"""Metrics: known answers, scikit-learn as the oracle, and what is undefined stays undefined."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from ratchet.core.calibration import calibration_intercept, calibration_slope
from ratchet.core.metrics import METRICS, Target, loss_names, measure, metrics_for, reliability, row_losses
from ratchet.core.params import Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
TASKS: tuple[Task, ...] = get_args(Task)
LOSSES = [(task, name) for task in TASKS for name in loss_names(task)]


def sample(task: Task, seed: int = 0, rows: int = 400) -> tuple[Target, Scores]:
    """Targets drawn from a model's own scores, blurred."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        scores = rng.normal(size=(rows, 1))
        return scores[:, 0] + rng.normal(size=rows), scores
    classes = 2 if task == "binary" else 4
    scores = rng.dirichlet(np.ones(classes), size=rows)
    target = (rng.random((rows, 1)) > scores.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return target.astype(np.int64), scores


def two_columns(positive: list[float]) -> Scores:
    return np.column_stack([1 - np.array(positive), np.array(positive)])


def test_binary_equals_scikit_learn() -> None:
    """Every binary metric that scikit-learn has equals scikit-learn's."""
    target, scores = sample("binary")
    positive = scores[:, 1]
    measured = measure("binary", target, scores)
    expected = {
        "log_loss": sk.log_loss(target, positive),
        "roc_auc": sk.roc_auc_score(target, positive),
        "average_precision": sk.average_precision_score(target, positive),
        "brier": sk.brier_score_loss(target, positive),
        "accuracy": sk.accuracy_score(target, positive >= 0.5),
    }
    assert expected == pytest.approx({name: measured[name] for name in expected}, rel=1e-12)


def test_multiclass_equals_scikit_learn() -> None:
    """Every multiclass metric equals scikit-learn's on four classes."""
    target, scores = sample("multiclass")
    expected = {
        "log_loss": sk.log_loss(target, scores),
        "roc_auc": sk.roc_auc_score(target, scores, multi_class="ovr", average="weighted"),
        "brier": sk.brier_score_loss(target, scores),
        "accuracy": sk.accuracy_score(target, scores.argmax(axis=1)),
    }
    assert expected == pytest.approx(measure("multiclass", target, scores), rel=1e-12)


def test_regression_equals_scikit_learn() -> None:
    """Every regression metric equals scikit-learn's."""
    target, scores = sample("regression")
    expected = {
        "squared_error": sk.mean_squared_error(target, scores[:, 0]),
        "rmse": sk.root_mean_squared_error(target, scores[:, 0]),
        "absolute_error": sk.mean_absolute_error(target, scores[:, 0]),
        "r2": sk.r2_score(target, scores[:, 0]),
    }
    assert expected == pytest.approx(measure("regression", target, scores), rel=1e-12)


def test_hand_computed_losses() -> None:
    """Log loss and Brier of three rows equal what a hand computes."""
    target, scores = np.array([1, 0, 1]), two_columns([0.5, 0.25, 1.0])
    assert [math.log(2), -math.log(0.75), 0.0] == pytest.approx(row_losses("log_loss", target, scores).tolist())
    assert [0.25, 0.0625, 0.0] == pytest.approx(row_losses("brier", target, scores).tolist())


def test_certain_mistake_is_finite() -> None:
    """A probability of 0 for what happened costs -log(1e-15), not infinity."""
    losses = row_losses("log_loss", np.array([1]), two_columns([0.0]))
    assert [-math.log(1e-15)] == pytest.approx(losses.tolist())


@pytest.mark.parametrize(("task", "name"), LOSSES)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, rows=st.integers(1, 60))
def test_metric_is_the_mean_of_its_row_losses(task: Task, name: str, seed: int, rows: int) -> None:
    """A metric with a loss per row is the mean of those losses."""
    target, scores = sample(task, seed, rows)
    assert measure(task, target, scores)[name] == pytest.approx(row_losses(name, target, scores).mean(), rel=1e-12)


@pytest.mark.parametrize("task", TASKS)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, rows=st.integers(2, 60))
def test_metrics_ignore_row_order_and_stay_in_range(task: Task, seed: int, rows: int) -> None:
    """Shuffling the rows changes no metric, and each is NaN or within its span."""
    target, scores = sample(task, seed, rows)
    order = np.random.default_rng(seed).permutation(rows)
    measured = measure(task, target, scores)
    assert measured == pytest.approx(measure(task, target[order], scores[order]), rel=1e-6, abs=1e-9, nan_ok=True)
    for name, value in measured.items():
        low, high = METRICS[name].span
        assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9, name


@pytest.mark.parametrize("task", TASKS)
def test_measure_names_all_metrics_of_the_task(task: Task) -> None:
    """`measure` returns exactly the metrics of `metrics_for`, in their order."""
    assert [metric.name for metric in metrics_for(task)] == list(measure(task, *sample(task)))


def test_calibration_equals_unpenalised_logistic_regression() -> None:
    """The slope is that of scikit-learn's logistic regression without penalty on the logit."""
    target, scores = sample("binary")
    logit = np.log(scores[:, 1] / scores[:, 0])
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit[:, None], target)
    assert fitted.coef_[0, 0] == pytest.approx(measure("binary", target, scores)["calibration_slope"], rel=1e-4)


@pytest.mark.parametrize(("stretch", "shift"), [(1.0, 0.0), (2.0, 0.0), (0.5, 0.0), (1.0, 0.7), (1.0, -0.7)])
def test_calibration_finds_what_was_bent(stretch: float, shift: float) -> None:
    """Log odds multiplied by s have slope 1/s, and log odds moved by -a have intercept a."""
    rng = np.random.default_rng(5)
    logit = rng.normal(size=40_000)
    target = (rng.random(40_000) < 1 / (1 + np.exp(-logit))).astype(np.int64)
    positive = 1 / (1 + np.exp(-(stretch * logit - shift)))
    measured = measure("binary", target, np.column_stack([1 - positive, positive]))
    assert 1 / stretch == pytest.approx(measured["calibration_slope"], abs=0.05)
    if stretch == 1:
        assert shift == pytest.approx(measured["calibration_intercept"], abs=0.05)


@settings(max_examples=150, deadline=None)
@given(
    seed=SEEDS, rows=st.integers(4, 60), width=st.floats(-3, 1.5), shift=st.floats(-15, 15), share=st.floats(0.05, 0.95)
)
def test_calibration_is_the_maximum_of_the_likelihood(
    seed: int, rows: int, width: float, shift: float, share: float
) -> None:
    """However far off the predictions are, the intercept matches the mean and no nearby slope fits better."""
    rng = np.random.default_rng(seed)
    logit = np.clip(shift + 10**width * rng.normal(size=rows), -30, 30)
    target = (rng.random(rows) < share).astype(np.int64)
    positive = 1 / (1 + np.exp(-logit))
    logit = np.log(positive) - np.log1p(-positive)
    intercept, slope = calibration_intercept(target, positive), calibration_slope(target, positive)
    if 0 < target.mean() < 1:
        assert target.mean() == pytest.approx(np.mean(1 / (1 + np.exp(-logit - intercept))), abs=1e-6)
    if math.isfinite(slope):
        best = [profile_misfit(target, logit * slope * bent) for bent in (0.99, 1.0, 1.01)]
        assert best[1] <= min(best[0], best[2]) + 1e-9


def profile_misfit(target: Target, odds: Floats) -> float:
    """The negative log likelihood at the best intercept."""
    best = minimize_scalar(lambda move: np.logaddexp(0, (1 - 2 * target) * (odds + move)).sum(), tol=1e-12)
    return float(best.fun)


def test_calibration_survives_certain_predictions() -> None:
    """Predictions of exactly 0 and 1, some of them wrong, still have a finite slope and intercept."""
    target = np.array([0, 0, 0, 1, 1, 1, 0, 1])
    measured = measure("binary", target, two_columns([0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.3, 0.4]))
    assert 0 < measured["calibration_slope"] < 0.2
    assert math.isfinite(measured["calibration_intercept"])


@pytest.mark.parametrize(
    ("target", "positive", "undefined"),
    [
        ([1, 1, 1], [0.2, 0.5, 0.9], {"roc_auc", "calibration_slope", "calibration_intercept"}),
        ([0, 0, 0], [0.2, 0.5, 0.9], {"roc_auc", "average_precision", "calibration_slope", "calibration_intercept"}),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], {"calibration_slope"}),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], {"calibration_slope"}),
        ([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1], {"calibration_slope"}),
        ([0, 1, 1], [0.1, math.nan, 0.9], {metric.name for metric in metrics_for("binary")}),
    ],
    ids=["only positives", "only negatives", "constant", "separated", "separated backwards", "a NaN score"],
)
def test_undefined_is_nan(target: list[int], positive: list[float], undefined: set[str]) -> None:
    """Exactly the metrics that the rows leave undefined are NaN; nothing raises or warns."""
    measured = measure("binary", np.array(target), two_columns(positive))
    assert undefined == {name for name, value in measured.items() if math.isnan(value)}


def test_undefined_regression_is_nan() -> None:
    """A constant target leaves r2 alone undefined; a NaN target leaves nothing defined."""
    scores = np.array([[1.0], [2.0]])
    constant = measure("regression", np.array([3.0, 3.0]), scores)
    assert {"r2"} == {name for name, value in constant.items() if math.isnan(value)}
    assert all(math.isnan(value) for value in measure("regression", np.array([3.0, np.nan]), scores).values())


def test_absent_class_has_no_weight_in_auc() -> None:
    """Multiclass AUC over the classes that occur: three perfect classes of four give 1."""
    target = np.array([0, 1, 2, 0, 1, 2])
    assert measure("multiclass", target, np.eye(4)[target])["roc_auc"] == 1.0


def test_reliability_equals_scikit_learn() -> None:
    """Quantile bins equal scikit-learn's calibration curve, and their counts add up to the rows."""
    target, scores = sample("binary")
    bins = reliability(target, scores)
    observed, predicted = calibration_curve(target, scores[:, 1], n_bins=10, strategy="quantile")
    assert observed.tolist() == pytest.approx(bins.observed.tolist())
    assert predicted.tolist() == pytest.approx(bins.predicted.tolist())
    assert [40] * 10 == bins.count.tolist()


def test_ece_by_hand() -> None:
    """A constant prediction of 0.75 for rows of which half happen is 0.25 off, in one bin."""
    target, scores = np.array([0, 1, 0, 1]), two_columns([0.75] * 4)
    assert reliability(target, scores).count.tolist() == [4]
    assert measure("binary", target, scores)["ece"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [("roc_auc", 0.8, 0.7), ("brier", 0.1, 0.2), ("calibration_slope", 1.1, 0.7), ("calibration_intercept", 0.1, -0.3)],
)
def test_gain_is_positive_for_the_better_value(name: str, better: float, worse: float) -> None:
    """Whatever its direction, a metric's gain is positive from worse to better, and negative the other way."""
    gain = METRICS[name].gain(worse, better)
    assert gain > 0
    assert -gain == METRICS[name].gain(better, worse)


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "squared_error", "no_such_metric"])
def test_metric_without_row_loss_is_refused(name: str) -> None:
    """Asking for row losses of another metric names the ones that have them."""
    with pytest.raises(UsageError, match="log_loss, brier"):
        row_losses(name, *sample("binary"))


@pytest.mark.parametrize(
    ("task", "target", "scores"),
    [
        ("binary", np.array([0, 1]), np.array([[0.5, 0.5]])),
        ("binary", np.array([0, 1]), np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])),
        ("binary", np.array([0, 2]), np.array([[0.5, 0.5], [0.5, 0.5]])),
        ("binary", np.array([0, -1]), np.array([[0.5, 0.5], [0.5, 0.5]])),
        ("binary", np.array([0.0, 1.0]), np.array([[0.5, 0.5], [0.5, 0.5]])),
        ("binary", np.array([0, 1]), np.array([[1.0, 1.0], [1.0, 1.0]])),
        ("binary", np.array([0, 1]), np.array([[-0.5, 1.5], [0.5, 0.5]])),
        ("binary", np.zeros(0, dtype=np.int64), np.zeros((0, 2))),
        ("multiclass", np.array([0]), np.array([[1.0]])),
        ("regression", np.array([0.5]), np.array([[0.5, 0.5]])),
        ("regression", np.array([0.5]), np.array([0.5])),
    ],
)
def test_wrong_shapes_and_improper_probabilities_are_refused(task: Task, target: Target, scores: Scores) -> None:
    """Scores that are not the task's are refused, above all ones that would cheat a proper score."""
    with pytest.raises(UsageError):
        measure(task, target, scores)
