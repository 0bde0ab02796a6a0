"""Two models side by side: each metric with all the noise that is in its difference, its history, and curves.

A metric moves for three reasons: the models differ, the held-out rows are a sample, and a fit is a draw of its seed.
Only a difference beyond the second and the third together is called real.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ratchet.core.change.records import BatchMetric, Curve, MetricChange, Real
from ratchet.core.clusters import JACKKNIFE_GROUPS, check_level
from ratchet.core.curves import curves
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.metrics import METRICS, Target
from ratchet.core.params import Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

BASE, CHANGE = "base", "change"
"""What the two models are called among the models of an evaluation."""
CURVE_POINTS = 60
"""Points of a curve in a report: more than a small chart shows."""

Span = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class Refits:
    """Each metric's standard deviation over fits with other seeds, measured with `count` refits beside the fit itself.

    A metric without a deviation was not measured; its interval then knows of the sampling of rows alone.
    """

    sd: Mapping[str, float]
    count: int


def metric_changes(
    rows: Sequence[MetricRow], refits: Refits, *, alpha: float, same_model: bool
) -> tuple[MetricChange, ...]:
    """Every metric of the models "base" and "change", from `evaluate` with that pair and this `alpha`.

    `same_model`: both are the same fit, so that no luck of seeds stands between them.
    Raises UsageError if a deviation is given that no refit measured.
    """
    return tuple(_metric_change(row, refits, alpha=alpha, same_model=same_model) for row in rows)


def _metric_change(row: MetricRow, refits: Refits, *, alpha: float, same_model: bool) -> MetricChange:
    metric, sd = METRICS[row.name], refits.sd.get(row.name)
    low, high = None, None
    if row.gain is not None:
        groups = row.gain.clusters if metric.row_loss else min(row.gain.clusters, JACKKNIFE_GROUPS)
        luck = 0.0 if same_model or sd is None else sd
        low, high = with_seed_noise(row.gain, seed_sd=luck, seeds=refits.count, degrees=groups - 1, alpha=alpha)
    return MetricChange(
        name=row.name,
        meaning=row.meaning,
        direction=metric.direction,
        base=row.models.get(BASE),
        change=row.models[CHANGE],
        gain=row.gain,
        seed_sd=sd,
        low=low,
        high=high,
        real=real(low, high),
    )


def with_seed_noise(gain: Estimate, *, seed_sd: float, seeds: int, degrees: int, alpha: float) -> Span:
    """One-sided bounds at level `alpha` of a difference of two models, with sampling and seed noise together.

    Its variance is that of the sample of rows, with `degrees` of freedom (clusters less one), and twice `seed_sd`
    squared, as each of the two models is one draw: the deviation of the metric over the fit and `seeds` refits has
    `seeds` degrees of freedom. The sum is treated as Student's t with the degrees of freedom of Satterthwaite
    (Biometrics Bulletin 2, 1946; Welch, Biometrika 34, 1947). Both models are taken to vary alike with their seeds.

    (None, None) where sampling leaves the difference undefined. Raises UsageError on a bad level, a deviation that is
    negative or not finite, and on one above 0 that no refit measured.
    """
    check_level(alpha)
    if not 0 <= seed_sd < math.inf or (seed_sd and seeds < 1):
        raise UsageError(
            f"a standard deviation over seeds of {seed_sd} from {seeds} refits is no measurement",
            next_step="set report.seeds in params.yaml to at least 1, or leave seed noise out",
        )
    if gain.value is None or gain.standard_error is None:
        return None, None
    error = math.hypot(gain.standard_error, math.sqrt(2) * seed_sd)
    if not error:
        return gain.value, gain.value
    sampled = (gain.standard_error / error) ** 2
    drawn = (1 - sampled) ** 2 / seeds if seed_sd else 0.0
    from scipy.special import stdtrit

    reach = float(stdtrit(1 / (sampled**2 / degrees + drawn), 1 - alpha)) * error
    return gain.value - reach, gain.value + reach


def real(low: float | None, high: float | None) -> Real:
    """What an interval of a gain says; "unknown" without one."""
    if low is None or high is None:
        return "unknown"
    return "better" if low > 0 else "worse" if high < 0 else "within noise"


def metric_history(
    metric: str, base: Mapping[str, Any], change: Mapping[str, Any], held_out: BatchMetric
) -> tuple[BatchMetric, ...]:
    """`metric` on every fold that either model's walk forward has, oldest first, and then on the held-out batches.

    `base` and `change` are the folds of `train.json`: metrics by the name of the batch that was scored.
    """
    folds = (
        BatchMetric(batch=batch, base=_fold(base, batch, metric), change=_fold(change, batch, metric), held_out=False)
        for batch in sorted(set(base) | set(change))
    )
    return (*folds, held_out)


def _fold(folds: Mapping[str, Any], batch: str, metric: str) -> float | None:
    value = folds.get(batch, {}).get(metric)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def curve_points(task: Task, target: Target, models: Mapping[Literal["base", "change"], Scores]) -> tuple[Curve, ...]:
    """The curves of a binary model, at most CURVE_POINTS points each, evenly spaced along the line; none otherwise."""
    return tuple(
        _curve(name, model, table.to_numpy(dtype=np.float64)[:, :2])
        for model, scores in models.items()
        for name, table in curves(task, target, scores).items()
    )


def _curve(name: str, model: Literal["base", "change"], points: np.ndarray[Any, Any]) -> Curve:
    if len(points) > CURVE_POINTS:
        walked = np.concatenate([[0.0], np.abs(np.diff(points, axis=0)).sum(axis=1).cumsum()])
        picks = np.searchsorted(walked, np.linspace(0, walked[-1], CURVE_POINTS)).clip(0, len(points) - 1)
        points = points[np.unique(picks)]
    x, y = points.T.tolist()
    return Curve.model_validate({"name": name, "model": model, "x": tuple(x), "y": tuple(y)})
