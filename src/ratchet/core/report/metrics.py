"""The metrics of a report: two models on the same rows, the gain with its interval, and whether it is real."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ratchet.core.change.records import Change, Comparison, MetricChange, Real
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.judged import CHALLENGER, CHAMPION, Evaluation
from ratchet.core.looked_at import OPEN
from ratchet.core.metrics import METRICS
from ratchet.core.report.table import Column, Row, Section, Table, span, table
from ratchet.core.report.text import between, commit, count, number, places, shortened, words

ROUNDING = 1e-12
SHOWN = 20
"""Metrics shown at most: more than any task has."""
GAIN = (
    "Δ is the gain: above 0 is better, whatever the metric's direction "
    "(↑ higher is better, ↓ lower is better, → nearer to its target)."
)


def real(gain: Estimate | None) -> Real:
    """better or worse where the interval leaves out 0, and within noise where it does not."""
    if gain is None or gain.low is None or gain.high is None:
        return "unknown"
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "within noise"


def base_of(change: Change) -> str:
    """The base as people call it, with its commit."""
    return f"{shortened(change.base_name, 60)} ({commit(change.base)})"


def headline(change: Change) -> tuple[str, Real]:
    """The gate's metric of base and change in one line, and whether the difference is real."""
    if change.comparison is None:
        return shortened(change.no_comparison or "the two models were not compared", 600), "unknown"
    found = next((each for each in change.comparison.metrics if each.name == change.comparison.loss), None)
    if found is None:
        return f"{change.comparison.loss} was not measured", "unknown"
    value = found.gain.value if found.gain else None
    most = places((found.low, value, found.high))
    covered = f"{change.comparison.coverage:.0%} interval {between(found.low, found.high, places=most)}"
    before, after = number(found.base.value if found.base else None), number(found.change.value)
    gain = number(value, sign="+", places=most)
    return f"{words(found.name)} {before} → {after} (Δ {gain}, {covered}): {found.real}", found.real


def identical(change: Change) -> bool:
    """Whether nothing differs from the base: no input, no stage of the lock, no number of the model.

    Data that could not be compared is not known to be the same.
    """
    inputs = (
        change.data.batches,
        change.data.shifts,
        change.data.note,
        change.code,
        change.params,
        change.dependencies,
    )
    if any(inputs) or change.comparison is None or any(stage.reasons for stage in change.stages):
        return False
    return all(each.base is not None and each.base.value == each.change.value for each in change.comparison.metrics)


def against_base(change: Change, comparison: Comparison) -> Section:
    """Every metric of the base and of the change."""
    rows = list(_metric_rows([_of_change(metric) for metric in comparison.metrics]))
    return Section(
        title=f"Metrics against {base_of(change)}",
        tables=(_metrics_table(shortened(change.base_name, 40), "this change", comparison.coverage, rows),),
        note=f"{GAIN} {_grey(rows)}{_noise(comparison)}",
    )


def against_reference(evaluation: Evaluation, coverage: float, change: Change | None) -> Section:
    """Every metric of what the gate compared with, closed where the base's says the same or a model meets itself."""
    reference = reference_of(evaluation)
    rows = list(_metric_rows([_of_reference(metric, evaluation.reference) for metric in evaluation.metrics]))
    same = same_model(evaluation, change)
    return Section(
        title=f"{_compared(evaluation)}: against the {reference}",
        tables=(_metrics_table(reference, "challenger", coverage, rows),),
        note=_same(change) if same and change else " ".join(filter(None, [GAIN, _grey(rows) + _caution(evaluation)])),
        folded=same or evaluation.challenger_is_champion,
    )


def reference_of(evaluation: Evaluation) -> str:
    """What the challenger is compared with, as people call it."""
    return f"champion (version {evaluation.champion})" if evaluation.champion else "baseline (a constant)"


def _compared(evaluation: Evaluation) -> str:
    """What the gate compared is not shown where it judges by sealed rows."""
    shown = evaluation.looked_at is None or evaluation.looked_at.kind != OPEN
    return "What the gate compared" if shown else "The same two models on open rows"


def _metrics_table(reference: str, challenger: str, coverage: float, rows: Sequence[Row]) -> Table:
    columns = (
        Column("metric"),
        Column(reference, "number"),
        Column(challenger, "number"),
        Column("Δ", "number"),
        Column(f"{coverage:.0%} interval", "interval"),
        Column("is it real?", "real"),
    )
    return table("", columns, rows, most=SHOWN)


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A metric of two models, as a table shows it."""

    title: str
    meaning: str
    before: float | None
    after: float | None
    low: float | None
    gain: float | None
    high: float | None
    real: Real


def _of_change(metric: MetricChange) -> _Line:
    return _Line(
        title=f"{words(metric.name)} {_arrow(metric.name, metric.direction)}",
        meaning=metric.meaning,
        before=metric.base.value if metric.base else None,
        after=metric.change.value,
        low=metric.low,
        gain=metric.gain.value if metric.gain else None,
        high=metric.high,
        real=metric.real,
    )


def _of_reference(metric: MetricRow, reference: str) -> _Line:
    before, gain = metric.models.get(reference), metric.gain
    return _Line(
        title=f"{words(metric.name)} {_arrow(metric.name, metric.direction)}",
        meaning=metric.meaning,
        before=before.value if before else None,
        after=metric.models[CHALLENGER].value,
        low=gain.low if gain else None,
        gain=gain.value if gain else None,
        high=gain.high if gain else None,
        real=real(gain),
    )


def _metric_rows(lines: Sequence[_Line]) -> Iterator[Row]:
    """All numbers of a column have as many places as its smallest needs."""
    level = places(value for each in lines for value in (each.before, each.after))
    most = places(value for each in lines for value in (each.low, each.gain, each.high))
    for each in lines:
        cells = (
            each.title,
            number(each.before, places=level),
            number(each.after, places=level),
            number(each.gain, sign="+", places=most),
            between(each.low, each.high, places=most),
            each.real,
        )
        yield Row(cells, each.real, each.meaning, span(each.low, each.gain, each.high))


def _arrow(name: str, direction: str) -> str:
    """Which way is better; for a metric with a target also the target."""
    if direction in ("higher", "lower"):
        return "↑" if direction == "higher" else "↓"
    return f"→ {METRICS[name].ideal:g}" if name in METRICS else "→"


def same_model(evaluation: Evaluation, change: Change | None) -> bool:
    """Whether base and champion gave every metric the same value, up to rounding: then they are one model."""
    if change is None or change.comparison is None or evaluation.reference != CHAMPION:
        return False
    champion = {row.name: row.models[CHAMPION].value for row in evaluation.metrics if CHAMPION in row.models}
    base = {row.name: row.base.value if row.base else None for row in change.comparison.metrics}
    return (
        bool(base) and champion.keys() == base.keys() and all(_same_value(champion[each], base[each]) for each in base)
    )


def _same_value(one: float | None, other: float | None) -> bool:
    """But for rounding: a later version of the code may add up in another order."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=ROUNDING, abs_tol=ROUNDING)


def _same(change: Change) -> str:
    luck = change.comparison and change.comparison.seeds and not _seedless(change.comparison)
    seeds = ", before the seed's noise is added" if luck else ""
    return f"The model of {base_of(change)} is the champion: the same numbers{seeds}."


def _grey(rows: Sequence[Row]) -> str:
    quiet = sum(row.real not in ("better", "worse") for row in rows)
    if not quiet:
        return "Every difference is real."
    return f"Not shown to be real (grey, ⚪): {quiet} of {count(len(rows), 'difference')}."


def _noise(comparison: Comparison) -> str:
    """Which noise the intervals hold."""
    sampled = count(comparison.rows, "row")
    if comparison.clusters:
        sampled += f" in {count(comparison.clusters, 'cluster')}"
    seeds = (
        "only: another seed gives the very same model"
        if _seedless(comparison)
        else f"and the seed ({count(comparison.seeds, 'refit')})"
        if comparison.seeds
        else "only; the seed's was not measured, which --explain does"
    )
    return f" Intervals hold the noise of sampling ({sampled}) {seeds}."


def _seedless(comparison: Comparison) -> bool:
    """Whether refits with other seeds were made, and every metric of theirs was the same."""
    measured = [metric.seed_sd for metric in comparison.metrics if metric.seed_sd is not None]
    return bool(comparison.seeds and measured) and not any(measured)


def _caution(evaluation: Evaluation) -> str:
    if evaluation.clusters:
        return ""
    return " Intervals assume that rows are independent. If some fail together, name them in split.cluster."
