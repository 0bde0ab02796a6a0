"""What is measured about a model's scores, in which direction each number is better, and what it means.

Scores are always (n, k) float64: one probability per class in the order of the labels, or (n, 1) values for
regression. With two classes the second one, index 1, is the positive. A metric that the rows leave undefined (AUC
with one class present) is NaN: the gate counts that as a failure, never as a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.calibration import (
    Reliability,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    quantile_bins,
)
from ratchet.core.params import Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

Target = NDArray[np.int64] | NDArray[np.float64]
"""(n,) class indices into the labels, or (n,) values for regression."""
Floats = NDArray[np.float64]
RowLoss = Callable[[Target, Scores], Floats]
Statistic = Callable[[Target, Scores], float]

CLIP = 1e-15
"""Probabilities below are raised to this before a logarithm: a certain mistake costs 34.5, not infinity."""
SUM_TOLERANCE = 1e-5
"""How far a row's probabilities may be from a sum of 1; single-precision models are off by about 1e-6."""


@dataclass(frozen=True)
class Metric:
    """A number about (target, scores): where it lies, which way is better, and its meaning in one line.

    `function` is NaN where the rows leave the metric undefined, and where a target or score is not finite.
    `row_loss`, where there is one, gives one loss per row, of which the metric is the mean.
    """

    name: str
    tasks: frozenset[Task]
    direction: Literal["higher", "lower", "target"]
    ideal: float
    span: tuple[float, float]
    meaning: str
    function: Statistic
    row_loss: RowLoss | None = None

    def gain(self, reference: float, challenger: float) -> float:
        """How much better `challenger` is than `reference`, in the metric's unit; positive is better."""
        if self.direction == "target":
            return abs(reference - self.ideal) - abs(challenger - self.ideal)
        return challenger - reference if self.direction == "higher" else reference - challenger


def metrics_for(task: Task) -> tuple[Metric, ...]:
    """The metrics of `task`, in the order of reports."""
    return tuple(metric for metric in METRICS.values() if task in metric.tasks)


def loss_names(task: Task) -> tuple[str, ...]:
    """The task's metrics that are a mean of a loss per row: what the gate can compare by."""
    return tuple(metric.name for metric in metrics_for(task) if metric.row_loss)


def measure(task: Task, target: Target, scores: Scores) -> dict[str, float]:
    """All metrics of `task`; NaN where undefined, and everywhere if any target or score is not finite.

    Raises UsageError if shapes, classes or probabilities are not those of the task.
    """
    _check(task, target, scores)
    return {metric.name: metric.function(target, scores) for metric in metrics_for(task)}


def row_losses(metric: str, target: Target, scores: Scores) -> Floats:
    """(n,) loss of each row, lower is better; their mean is the metric. The shape of `scores` tells the task.

    A row whose score is NaN has the loss NaN. Raises UsageError if the metric has no loss per row for these scores.
    """
    task = _task_of(scores)
    _check(task, target, scores)
    losses = {each.name: each.row_loss for each in metrics_for(task) if each.row_loss}
    if metric not in losses:
        raise UsageError(
            f"{metric} has no loss per row for {task} scores of shape {scores.shape}",
            next_step=f"name one of {', '.join(losses)} as gate.metric in params.yaml",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return losses[metric](target, scores)


def reliability(target: Target, scores: Scores, bins: int = 10) -> Reliability:
    """The calibration plot's points for a binary model. Raises UsageError if the scores are not binary."""
    _check("binary", target, scores)
    return quantile_bins(target, scores[:, 1], bins)


def _task_of(scores: Scores) -> Task:
    """The task with this many score columns; two classes are judged alike as binary and as multiclass."""
    columns = scores.shape[-1] if scores.ndim else 0
    return "regression" if columns == 1 else "binary" if columns == 2 else "multiclass"


def _check(task: Task, target: Target, scores: Scores) -> None:
    if scores.ndim != 2 or target.shape != scores.shape[:1] or not len(target):
        raise _refused(f"{task} needs (n,) targets and (n, k) scores, n > 0, not {target.shape} and {scores.shape}")
    classes = scores.shape[1]
    if (classes == 1) != (task == "regression") or (task == "binary" and classes != 2):
        raise _refused(f"{task} scores have {classes} columns")
    if task == "regression":
        return
    if target.dtype.kind != "i" or target.min() < 0 or target.max() >= classes:
        raise _refused(
            f"targets must be class indices from 0 to {classes - 1}, not {target.dtype} up to {target.max()}"
        )
    sums = scores.sum(axis=1)
    if (scores < 0).any() or (scores > 1 + SUM_TOLERANCE).any() or (np.abs(sums - 1) > SUM_TOLERANCE).any():
        raise _refused("scores are not probabilities: they must lie in [0, 1] and sum to 1 in each row")


def _refused(message: str) -> UsageError:
    return UsageError(message, next_step="score the rows with ratchet.core.scoring.score and the model's own record")


def _log_losses(target: Target, scores: Scores) -> Floats:
    likelihood = scores[np.arange(len(scores)), target.astype(np.int64)]
    return -np.log(np.clip(likelihood, CLIP, 1))


def _briers(target: Target, scores: Scores) -> Floats:
    """Brier 1950: squared distance over all classes; halved for two, so that it is (p - y)^2 of the positive."""
    truth = np.zeros_like(scores)
    truth[np.arange(len(scores)), target.astype(np.int64)] = 1
    distances: Floats = ((scores - truth) ** 2).sum(axis=1)
    return distances / 2 if scores.shape[1] == 2 else distances


def _squared_errors(target: Target, scores: Scores) -> Floats:
    return (scores[:, 0] - target) ** 2


def _absolute_errors(target: Target, scores: Scores) -> Floats:
    return np.abs(scores[:, 0] - target)


def _rmse(target: Target, scores: Scores) -> float:
    return float(np.sqrt(_squared_errors(target, scores).mean()))


def _r2(target: Target, scores: Scores) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(target, scores[:, 0])) if np.ptp(target) else np.nan


def _accuracy(target: Target, scores: Scores) -> float:
    chosen = scores[:, 1] >= 0.5 if scores.shape[1] == 2 else scores.argmax(axis=1)
    return float(np.mean(chosen == target))


def _roc_auc(target: Target, scores: Scores) -> float:
    """One class against the rest, weighted by its share: an absent class has no weight. NaN if one class is alone."""
    from sklearn.metrics import roc_auc_score

    classes, counts = np.unique(target.astype(np.int64), return_counts=True)
    if len(classes) < 2:
        return np.nan
    if scores.shape[1] == 2:
        return float(roc_auc_score(target, scores[:, 1]))
    areas = [roc_auc_score(target == one, scores[:, one]) for one in classes]
    return float(np.average(areas, weights=counts))


def _average_precision(target: Target, scores: Scores) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(target, scores[:, 1])) if target.any() else np.nan


_BINARY: frozenset[Task] = frozenset({"binary"})
_CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
_REGRESSION: frozenset[Task] = frozenset({"regression"})


def _loss(name: str, tasks: frozenset[Task], highest: float, meaning: str, loss: RowLoss) -> Metric:
    def mean(target: Target, scores: Scores) -> float:
        return float(loss(target, scores).mean())

    return Metric(name, tasks, "lower", 0.0, (0.0, highest), meaning, mean, loss)


def _skill(name: str, tasks: frozenset[Task], lowest: float, meaning: str, function: Statistic) -> Metric:
    return Metric(name, tasks, "higher", 1.0, (lowest, 1.0), meaning, function)


def _calibration(name: str, ideal: float, meaning: str, function: Callable[[Target, Floats], float]) -> Metric:
    def positive(target: Target, scores: Scores) -> float:
        return function(target, scores[:, 1])

    return Metric(name, _BINARY, "target", ideal, (-np.inf, np.inf), meaning, positive)


def _ece(target: Target, scores: Scores) -> float:
    return expected_calibration_error(target, scores[:, 1])


_ALL = (
    _loss("log_loss", _CLASSES, np.inf, "surprise at what happened, in nats per row", _log_losses),
    _skill("roc_auc", _CLASSES, 0.0, "chance that a positive scores above a negative", _roc_auc),
    _skill("average_precision", _BINARY, 0.0, "precision averaged over recall", _average_precision),
    _loss("brier", _CLASSES, 2.0, "squared distance of the probabilities from what happened", _briers),
    _calibration("calibration_slope", 1.0, "below 1: too extreme; above: too timid", calibration_slope),
    _calibration("calibration_intercept", 0.0, "above 0: predictions too low; below: too high", calibration_intercept),
    Metric("ece", _BINARY, "lower", 0.0, (0.0, 1.0), "mean gap of predicted and observed share in ten bins", _ece),
    _skill("accuracy", _CLASSES, 0.0, "share of rows whose likelier class is right", _accuracy),
    _loss("squared_error", _REGRESSION, np.inf, "mean squared error, in the target's unit squared", _squared_errors),
    Metric("rmse", _REGRESSION, "lower", 0.0, (0.0, np.inf), "root of the mean squared error", _rmse),
    _loss("absolute_error", _REGRESSION, np.inf, "mean absolute error, in the target's unit", _absolute_errors),
    _skill("r2", _REGRESSION, -np.inf, "share of the target's variance that is explained", _r2),
)


def _finite(function: Statistic) -> Statistic:
    def value(target: Target, scores: Scores) -> float:
        if not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            return function(target, scores)

    return value


METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: replace(metric, function=_finite(metric.function)) for metric in _ALL}
)
"""Every metric by its name, in the order of reports."""
