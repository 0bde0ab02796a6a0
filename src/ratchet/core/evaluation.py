"""What the held-out rows say about each model: every metric with its interval, and the challenger's gain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ratchet.core.clusters import Estimate, interval, jackknife
from ratchet.core.metrics import Metric, Target, metrics_for, row_losses
from ratchet.core.params import Section, Task
from ratchet.core.scoring import Scores


class MetricRow(Section):
    """One metric: each model's estimate, and the challenger's gain over the reference (positive is better)."""

    name: str
    meaning: str
    direction: str
    models: dict[str, Estimate]
    gain: Estimate | None


def evaluate(
    task: Task,
    target: Target,
    models: Mapping[str, Scores],
    *,
    clusters: ArrayLike | None,
    pair: tuple[str, str],
    alpha: float,
) -> list[MetricRow]:
    """All metrics of `task` for each of `models` (name to scores) on the same rows, with clustered intervals.

    `pair` names the reference and the challenger: the gain is of the second over the first, if both are there.
    """
    return [_row(metric, target, models, clusters, pair, alpha) for metric in metrics_for(task)]


def _row(
    metric: Metric,
    target: Target,
    models: Mapping[str, Scores],
    clusters: ArrayLike | None,
    pair: tuple[str, str],
    alpha: float,
) -> MetricRow:
    estimates = {name: _estimate(metric, target, scores, clusters, alpha) for name, scores in models.items()}
    gain = None
    if models.keys() >= set(pair):
        gain = _gain(metric, target, (models[pair[0]], models[pair[1]]), clusters, alpha)
    return MetricRow(name=metric.name, meaning=metric.meaning, direction=metric.direction, models=estimates, gain=gain)


def _estimate(metric: Metric, target: Target, scores: Scores, clusters: ArrayLike | None, alpha: float) -> Estimate:
    if metric.row_loss:
        return interval(row_losses(metric.name, target, scores), clusters, alpha=alpha)
    return jackknife(metric.function, (target, scores), clusters, alpha=alpha)


def _gain(
    metric: Metric, target: Target, pair: tuple[Scores, Scores], clusters: ArrayLike | None, alpha: float
) -> Estimate:
    reference, challenger = pair
    if metric.row_loss:
        saved: NDArray[np.float64] = row_losses(metric.name, target, reference)
        saved = saved - row_losses(metric.name, target, challenger)
        return interval(saved, clusters, alpha=alpha)

    def difference(target: Target, reference: Scores, challenger: Scores) -> float:
        return metric.gain(metric.function(target, reference), metric.function(target, challenger))

    return jackknife(difference, (target, reference, challenger), clusters, alpha=alpha)
