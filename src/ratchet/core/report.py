"""What a report says, as values: templates only lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.core.decision import Condition, Decision
from ratchet.core.evaluation import MetricRow
from ratchet.core.findings import Estimate
from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.model_record import ModelRecord


@dataclass(frozen=True)
class MetricLine:
    """One metric as text: the reference, the challenger, the gain with its interval, and whether it is real."""

    name: str
    meaning: str
    reference: str
    challenger: str
    gain: str
    interval: str
    real: str


@dataclass(frozen=True)
class FoldLine:
    """One metric over the cross-validation folds."""

    name: str
    mean: str
    spread: str
    folds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a report shows."""

    model: str
    verdict: str
    reason: str
    would_change: str
    conditions: tuple[Condition, ...]
    reference: str
    metrics: tuple[MetricLine, ...]
    coverage: str
    fold_names: tuple[str, ...]
    folds: tuple[FoldLine, ...]
    facts: Mapping[str, str]
    caution: str


def build_report(
    *,
    model: str,
    record: ModelRecord,
    decision: Decision,
    evaluation: Evaluation,
    folds: Mapping[str, Mapping[str, float | None]],
    spread: Mapping[str, Mapping[str, float | None]],
) -> Report:
    """Put together what a data scientist reads in a minute."""
    reference = f"champion (version {evaluation.champion})" if evaluation.champion else "baseline (a constant)"
    return Report(
        model=model,
        verdict=decision.verdict,
        reason=decision.reason,
        would_change=decision.would_change,
        conditions=decision.conditions,
        reference=reference,
        metrics=tuple(_metric_line(row, evaluation.reference) for row in evaluation.metrics),
        coverage=f"{1 - 2 * decision.policy.alpha:.0%}",
        fold_names=tuple(folds),
        folds=tuple(_fold_line(name, folds, spread) for name in spread),
        facts=_facts(record, evaluation, decision),
        caution=_caution(evaluation),
    )


def real(gain: Estimate | None) -> str:
    """better or worse where the interval leaves out 0, and within noise where it does not."""
    if gain is None or gain.low is None or gain.high is None:
        return "unknown"
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "within noise"


def _metric_line(row: MetricRow, reference: str) -> MetricLine:
    return MetricLine(
        name=row.name.replace("_", " "),
        meaning=row.meaning,
        reference=_number(row.models[reference].value if reference in row.models else None),
        challenger=_number(row.models[CHALLENGER].value),
        gain=_number(row.gain.value if row.gain else None, sign="+"),
        interval=f"{_number(row.gain.low, sign='+')} to {_number(row.gain.high, sign='+')}" if row.gain else "",
        real=real(row.gain),
    )


def _fold_line(
    name: str, folds: Mapping[str, Mapping[str, float | None]], spread: Mapping[str, Mapping[str, float | None]]
) -> FoldLine:
    return FoldLine(
        name=name.replace("_", " "),
        mean=_number(spread[name].get("mean")),
        spread=_number(spread[name].get("sd")),
        folds=tuple(_number(metrics[name]) for metrics in folds.values()),
    )


def _facts(record: ModelRecord, evaluation: Evaluation, decision: Decision) -> dict[str, str]:
    comparison = decision.evidence.comparison
    facts = {
        "estimator": record.recipe.model.estimator,
        "trained on": f"{_range(record.trained_on)}, {record.rows:,} rows, {len(record.features)} features",
        "judged on": f"{_range(evaluation.holdout)}, {evaluation.rows:,} rows {_whose(evaluation)}",
        "change": "a refit: the champion's code and parameters, newer data"
        if evaluation.refit
        else "code or parameters differ from the champion's"
        if evaluation.champion
        else "the first model: it is compared with a constant prediction",
        "rows that fail together": f"{evaluation.clusters} clusters" if evaluation.clusters else "assumed independent",
    }
    if comparison and comparison.design_effect is not None and evaluation.clusters:
        facts["design effect"] = (
            f"{comparison.design_effect:.1f}: the {comparison.rows:,} rows tell as much as "
            f"{comparison.rows / max(comparison.design_effect, 1):,.0f} independent ones"
        )
    return facts


def _whose(evaluation: Evaluation) -> str:
    if evaluation.contaminated:
        return f"of which {', '.join(evaluation.contaminated)} trained a model: they show nothing"
    return "that neither model was trained on"


def _caution(evaluation: Evaluation) -> str:
    if evaluation.clusters:
        return ""
    return "Intervals assume that rows are independent. If some fail together, name them in split.cluster."


def _range(batches: Mapping[str, str]) -> str:
    names = sorted(batches)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]} ({len(names)} batches)"


def _number(value: float | None, *, sign: str = "") -> str:
    """Four significant places for what is small, thousands separated for what is large."""
    if value is None:
        return "–"
    return f"{value:{sign},.1f}" if abs(value) >= 1000 else f"{value:{sign}.4f}"
