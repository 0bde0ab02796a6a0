"""Absolute ranges of metrics, whoever is champion: the challenger must be shown to keep them."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.decision import Condition, Evidence
from ratchet.core.gate.shown import bounds_at, span_text, within
from ratchet.core.metrics import is_metric, metrics_for
from ratchet.core.params import Bounds, Gate


def floors(evidence: Evidence, policy: Gate) -> Iterator[Condition]:
    """One condition per metric of `gate.floors`: its bounds at `gate.alpha` lie inside the range."""
    for metric, floor in sorted(policy.floors.items()):  # whatever order the policy's file has them in
        yield _floor(metric, floor, evidence, policy.alpha)


def _floor(metric: str, floor: Bounds, evidence: Evidence, alpha: float) -> Condition:
    estimate, problem = evidence.estimate(metric), _problem(metric, evidence)
    if estimate is None or problem:
        return Condition(
            name=f"floor:{metric}", passed=False, sentence=problem, remedy="mend gate.floors in params.yaml"
        )
    found = within(estimate, alpha, least=floor.min, most=floor.max)
    low, high = bounds_at(estimate, alpha)
    required = _required(floor)
    return Condition(
        name=f"floor:{metric}",
        passed=found.kept,
        sentence=f"{metric} is {span_text(estimate, alpha)}, and must be shown to be {required}",
        remedy="" if found.kept else f"a model with {metric} {required}{'' if found.broken else ', or more rows'}",
        harm=found.broken,
        estimate=estimate.value,
        low=low,
        high=high,
        threshold=floor.min if floor.min is not None else floor.max,
        rows=estimate.rows,
        clusters=estimate.clusters,
    )


def _required(floor: Bounds) -> str:
    words = {"at least": floor.min, "at most": floor.max}
    return " and ".join(f"{word} {limit:.4g}" for word, limit in words.items() if limit is not None)


def _problem(metric: str, evidence: Evidence) -> str:
    known = [each.name for each in metrics_for(evidence.task)]
    if not is_metric(metric, evidence.task):
        return f"{metric} is no metric of a {evidence.task} model; known are {', '.join(known)}"
    return f"{metric} was not measured, or is undefined" if metric not in evidence.values() else ""
