"""What is measured about a model's scores, in which direction each number is better, and what it means.

Scores are always (n, k) float64: one probability per class in the order of the labels, or (n, 1) values for
regression. With two classes the second one, index 1, is the positive. A metric that the rows leave undefined (AUC
with one class present) is NaN: the gate counts that as a failure, never as a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from ratchet.core.calibration import (
    Reliability,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    expected_calibration_errors,
    intercepts,
    quantile_bins,
    slopes,
)
from ratchet.core.metric import Floats as Floats  # noqa: PLC0414 - part of this file's names
from ratchet.core.metric import Metric as Metric  # noqa: PLC0414
from ratchet.core.metric import OfParts, Statistic, finite, loss
from ratchet.core.metric import Target as Target  # noqa: PLC0414
from ratchet.core.metric_families import family_member
from ratchet.core.params import Task
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.ranking import average_precision, average_precisions, roc_auc, roc_aucs
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

CLIP = 1e-15
"""Probabilities below are raised to this before a logarithm: a certain mistake costs 34.5, not infinity."""
SUM_TOLERANCE = 1e-5
"""How far a row's probabilities may be from a sum of 1; single-precision models are off by about 1e-6."""


def metrics_for(task: Task, also: Iterable[str] = (), prices: Prices = NO_PRICES) -> tuple[Metric, ...]:
    """The metrics of `task` in the order of reports, and behind them those that are asked for by name.

    `prices` has what `evaluate.costs` declares of them. Raises UsageError as `Prices.metric`.
    """
    usual = [metric for metric in METRICS.values() if task in metric.tasks]
    named = (prices.metric(name) or METRICS[name] for name in dict.fromkeys(also) if is_metric(name, task))
    return (*usual, *(metric for metric in named if metric not in usual))


def is_metric(name: str, task: Task) -> bool:
    """Whether the task has a metric of this name, be it of a family."""
    return name in METRICS and task in METRICS[name].tasks


def is_loss(name: str, task: Task) -> bool:
    """Whether it is the mean of a loss per row: what the gate can compare by."""
    return is_metric(name, task) and METRICS[name].row_loss is not None


def loss_names(task: Task) -> tuple[str, ...]:
    """The task's metrics that are a mean of a loss per row, but for those of families."""
    return tuple(metric.name for metric in metrics_for(task) if metric.row_loss)


def measure(
    task: Task, target: Target, scores: Scores, also: Iterable[str] = (), prices: Prices = NO_PRICES
) -> dict[str, float]:
    """All metrics of `task`, and those that are asked for by name.

    `prices` are those of these very rows. NaN where undefined, and everywhere if any target or score is not finite.
    Raises UsageError if shapes, classes or probabilities are not those of the task.
    """
    _check(task, target, scores)
    return {metric.name: metric.function(target, scores) for metric in metrics_for(task, also, prices)}


def row_losses(metric: str, target: Target, scores: Scores, prices: Prices = NO_PRICES) -> Floats:
    """(n,) loss of each row, lower is better; their mean is the metric, or minus it where higher is better.

    The shape of `scores` tells the task, and `prices` what `evaluate.costs` declares, of these very rows.

    A row whose score is NaN has the loss NaN. Raises UsageError if the metric has no loss per row for these scores.
    """
    task = _task_of(scores)
    _check(task, target, scores)
    known = prices.metric(metric) or METRICS[metric] if is_metric(metric, task) else None
    of_rows = known.row_loss if known else None
    if of_rows is None:
        raise UsageError(
            f"{metric} has no loss per row for {task} scores of shape {scores.shape}",
            next_step=f"name one of {', '.join(loss_names(task))} as gate.metric in params.yaml",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        return of_rows(target, scores)


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


_BINARY: frozenset[Task] = frozenset({"binary"})
_CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
_REGRESSION: frozenset[Task] = frozenset({"regression"})


def _skill(name: str, tasks: frozenset[Task], lowest: float, meaning: str, function: Statistic) -> Metric:
    return Metric(name, tasks, "higher", 1.0, (lowest, 1.0), meaning, function)


def _calibration(name: str, ideal: float, meaning: str, function: Callable[[Target, Floats], float]) -> Metric:
    def positive(target: Target, scores: Scores) -> float:
        return function(target, scores[:, 1])

    return Metric(name, _BINARY, "target", ideal, (-np.inf, np.inf), meaning, positive)


def _ece(target: Target, scores: Scores) -> float:
    return expected_calibration_error(target, scores[:, 1])


_ALL = (
    loss("log_loss", _CLASSES, np.inf, "surprise at what happened, in nats per row", _log_losses),
    _skill("roc_auc", _CLASSES, 0.0, "chance that a positive scores above a negative", roc_auc),
    _skill("average_precision", _BINARY, 0.0, "precision averaged over recall", average_precision),
    loss("brier", _CLASSES, 2.0, "squared distance of the probabilities from what happened", _briers),
    _calibration("calibration_slope", 1.0, "below 1: too extreme; above: too timid", calibration_slope),
    _calibration("calibration_intercept", 0.0, "above 0: predictions too low; below: too high", calibration_intercept),
    Metric("ece", _BINARY, "lower", 0.0, (0.0, 1.0), "mean gap of predicted and observed share in ten bins", _ece),
    _skill("accuracy", _CLASSES, 0.0, "share of rows whose likelier class is right", _accuracy),
    loss("squared_error", _REGRESSION, np.inf, "mean squared error, in the target's unit squared", _squared_errors),
    Metric("rmse", _REGRESSION, "lower", 0.0, (0.0, np.inf), "root of the mean squared error", _rmse),
    loss("absolute_error", _REGRESSION, np.inf, "mean absolute error, in the target's unit", _absolute_errors),
    _skill("r2", _REGRESSION, -np.inf, "share of the target's variance that is explained", _r2),
)

_SHARED: Mapping[str, OfParts] = {
    "roc_auc": roc_aucs,
    "average_precision": average_precisions,
    "calibration_slope": lambda target, scores: slopes(target, scores[:, 1]),
    "calibration_intercept": lambda target, scores: intercepts(target, scores[:, 1]),
    "ece": lambda target, scores: expected_calibration_errors(target, scores[:, 1]),
}


class _Metrics(Mapping[str, Metric]):
    """The metrics that every report has; those of families can be asked for by name as well."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = {metric.name: metric for metric in metrics}

    def __getitem__(self, name: str) -> Metric:
        found = self._metrics.get(name) or family_member(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


METRICS: Mapping[str, Metric] = _Metrics(
    replace(metric, function=finite(metric.function), shared=_SHARED.get(metric.name)) for metric in _ALL
)
"""Every metric by its name, in the order of reports; the families of `metric_families` are found and not listed."""
