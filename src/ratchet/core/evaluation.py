"""What the held-out rows say about each model: every metric with its interval, and the challenger's gain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.clusters import Replicates, group, interval, jackknifed, replicates
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.metrics import Metric, Target, metrics_for, row_losses
from ratchet.core.params import Task
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.scoring import Scores


def evaluate(
    task: Task,
    target: Target,
    models: Mapping[str, Scores],
    *,
    clusters: ArrayLike | None,
    pair: tuple[str, str],
    alpha: float,
    also: Iterable[str] = (),
) -> list[MetricRow]:
    """All metrics of `task` for each of `models` (name to scores) on the same rows, with clustered intervals.

    `pair` names the reference and the challenger: the gain is of the second over the first, if both are there. `also`
    names metrics of families that are wanted besides (`ratchet.core.metric_families`).
    """
    return evaluate_rows(task, Scored(target=target, models=models, clusters=clusters, pair=pair, alpha=alpha), also)


def evaluate_rows(task: Task, rows: Scored, also: Iterable[str] = ()) -> list[MetricRow]:
    """The same of rows as one record, which may have prices: metrics that `evaluate.costs` declares."""
    codes = None if rows.clusters is None else group(rows.clusters, len(rows.target)).codes
    numbered = replace(rows, clusters=codes)
    return [metric_row(metric, numbered) for metric in metrics_for(task, also, rows.prices)]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What `evaluate` is given, clusters best as numbers: names are slow to sort, and each metric sorts them."""

    target: Target
    models: Mapping[str, Scores]
    clusters: ArrayLike | None
    pair: tuple[str, str]
    alpha: float
    prices: Prices = NO_PRICES


def metric_row(metric: Metric, rows: Scored) -> MetricRow:
    """One metric of each model, with its interval and the gain of the pair, if both are there."""
    metric = rows.prices.metric(metric.name) or metric
    models, gain = (_by_losses if metric.row_loss else _by_jackknife)(metric, rows)
    return MetricRow(name=metric.name, meaning=metric.meaning, direction=metric.direction, models=models, gain=gain)


def _by_losses(metric: Metric, rows: Scored) -> tuple[dict[str, Estimate], Estimate | None]:
    losses = {name: row_losses(metric.name, rows.target, scores, rows.prices) for name, scores in rows.models.items()}
    reference, challenger = (losses.get(name) for name in rows.pair)
    saved = None if reference is None or challenger is None else reference - challenger
    return (
        {name: interval(metric.of_losses(values), rows.clusters, alpha=rows.alpha) for name, values in losses.items()},
        None if saved is None else interval(saved, rows.clusters, alpha=rows.alpha),
    )


def _by_jackknife(metric: Metric, rows: Scored) -> tuple[dict[str, Estimate], Estimate | None]:
    found = {
        name: replicates(
            metric.function, (rows.target, scores), rows.clusters, part=metric.of_parts(rows.target, scores)
        )
        for name, scores in rows.models.items()
    }
    reference, challenger = (found.get(name) for name in rows.pair)
    return (
        {name: jackknifed(values, alpha=rows.alpha) for name, values in found.items()},
        None if reference is None or challenger is None else _gain(metric, reference, challenger, rows.alpha),
    )


def _gain(metric: Metric, reference: Replicates, challenger: Replicates, alpha: float) -> Estimate:
    """The same clusters were left out of both, so that the gain without them is that of their two values."""
    pairs = zip(reference.left_out.tolist(), challenger.left_out.tolist(), strict=True)
    left_out = np.array([metric.gain(*pair) for pair in pairs], dtype=np.float64)
    gain = replace(challenger, value=metric.gain(reference.value, challenger.value), left_out=left_out)
    return jackknifed(gain, alpha=alpha)
