"""The metrics of a report: two models on the same rows, the gain with its interval, and whether it is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ratchet.core.change.records import Change, Comparison, MetricChange, Real
from ratchet.core.findings import Estimate
from ratchet.core.judged import CHALLENGER, CHAMPION, Evaluation
from ratchet.core.metrics import METRICS
from ratchet.core.report.table import Column, Row, Section, Table, span, table
from ratchet.core.report.text import between, commit, count, number, shortened, words

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
    gain = number(found.gain.value if found.gain else None, sign="+")
    covered = f"{change.comparison.coverage:.0%} interval {between(found.low, found.high)}"
    before, after = number(found.base.value if found.base else None), number(found.change.value)
    return f"{words(found.name)} {before} → {after} (Δ {gain}, {covered}): {found.real}", found.real


def against_base(change: Change, comparison: Comparison) -> Section:
    """Every metric of the base and of the change."""
    rows = [_change_row(metric) for metric in comparison.metrics]
    return Section(
        title=f"Metrics against {base_of(change)}",
        tables=(_metrics_table(shortened(change.base_name, 40), "this change", comparison.coverage, rows),),
        note=f"{GAIN} {_grey(rows)}{_noise(comparison)}",
    )


def against_reference(evaluation: Evaluation, coverage: float, change: Change | None) -> Section:
    """Every metric of what the gate compared with, which is closed where the base's table says the same."""
    version = f"champion (version {evaluation.champion})"
    reference = version if evaluation.champion else "baseline (a constant)"
    rows = list(_reference_rows(evaluation))
    same = _same_numbers(evaluation, change)
    return Section(
        title=f"What the gate compared: against the {reference}",
        tables=(_metrics_table(reference, "challenger", coverage, rows),),
        note=_same(change) if same and change else " ".join(filter(None, [GAIN, _grey(rows) + _caution(evaluation)])),
        folded=same,
    )


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


def _change_row(metric: MetricChange) -> Row:
    gain = metric.gain.value if metric.gain else None
    cells = (
        f"{words(metric.name)} {_arrow(metric.name, metric.direction)}",
        number(metric.base.value if metric.base else None),
        number(metric.change.value),
        number(gain, sign="+"),
        between(metric.low, metric.high),
        metric.real,
    )
    return Row(cells, metric.real, metric.meaning, span(metric.low, gain, metric.high))


def _reference_rows(evaluation: Evaluation) -> Iterator[Row]:
    for metric in evaluation.metrics:
        before, gain = metric.models.get(evaluation.reference), metric.gain
        low, value, high = (gain.low, gain.value, gain.high) if gain else (None, None, None)
        word = real(gain)
        cells = (
            f"{words(metric.name)} {_arrow(metric.name, metric.direction)}",
            number(before.value if before else None),
            number(metric.models[CHALLENGER].value),
            number(value, sign="+"),
            between(low, high),
            word,
        )
        yield Row(cells, word, metric.meaning, span(low, value, high))


def _arrow(name: str, direction: str) -> str:
    """Which way is better; for a metric with a target also the target."""
    if direction in ("higher", "lower"):
        return "↑" if direction == "higher" else "↓"
    return f"→ {METRICS[name].ideal:g}" if name in METRICS else "→"


def _same_numbers(evaluation: Evaluation, change: Change | None) -> bool:
    """Whether base and champion gave every metric the same value: then they are one model."""
    if change is None or change.comparison is None or evaluation.reference != CHAMPION:
        return False
    champion = {row.name: row.models[CHAMPION].value for row in evaluation.metrics if CHAMPION in row.models}
    base = {row.name: row.base.value if row.base else None for row in change.comparison.metrics}
    return bool(base) and champion == base


def _same(change: Change) -> str:
    seeds = ", before the seed's noise is added" if change.comparison and change.comparison.seeds else ""
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
        f"and the seed ({count(comparison.seeds, 'refit')})"
        if comparison.seeds
        else "only; the seed's was not measured, which --explain does"
    )
    return f" Intervals hold the noise of sampling ({sampled}) {seeds}."


def _caution(evaluation: Evaluation) -> str:
    if evaluation.clusters:
        return ""
    return " Intervals assume that rows are independent. If some fail together, name them in split.cluster."
