"""The analysis of the model that the last run made: one HTML page, and the same as JSON beside it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.analysis.dependence import Examined, dependences, pair_dependences
from ratchet.core.analysis.feature_costs import Judged, costliest_first, feature_costs
from ratchet.core.analysis.records import Analysis, Dependence, FeatureCost, PairDependence, SeedBand
from ratchet.core.analysis.refit import Reference
from ratchet.core.change.importance import SAMPLE_ROWS, sample
from ratchet.core.clusters import interval
from ratchet.core.feature_table import TARGET, model_inputs
from ratchet.core.learning import as_json, spread
from ratchet.core.metrics import row_losses
from ratchet.core.report.text import duration
from ratchet.core.scoring import score
from ratchet.errors import RatchetError, UsageError, did_you_mean
from ratchet.flows.counterfactual import HeldOut
from ratchet.flows.open_rows import open_rows
from ratchet.flows.refits import Budget, Refits, Say, refits
from ratchet.flows.seeds import missing_refits, seed_noise
from ratchet.io import files, layout, timings
from ratchet.io.analysis_page import render_analysis
from ratchet.settings import Settings

PAGE, RECORD = "analysis.html", "analysis.json"
SEED = 0
"""Of the rows and shuffles that are drawn: the same model gives the same page."""
REPEATS = 5
DEPENDENCE_ROWS = 1_000
FEATURES = 6
"""Features whose dependence is shown unasked: those that cost most when shuffled."""
CLASSES = 5
"""Classes whose probabilities are shown at most, the commonest."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What is wanted: None stands for what params.yaml says, no features for the most important ones."""

    seconds: float | None = None
    seeds: int | None = None
    features: Sequence[str] = ()
    pairs: Sequence[tuple[str, str]] = ()
    folder: Path | None = None


@dataclass(frozen=True)
class Written:
    """What was found, and the files that say so."""

    analysis: Analysis
    paths: tuple[Path, ...]


def analyse(settings: Settings, ask: Ask, say: Say) -> Written:
    """Look at the model of the last run on the open rows; `say` takes a line of progress at a time.

    Raises UsageError for a feature that the model does not have, and what `open_rows` raises.
    """
    rows = open_rows(settings.root)
    _require_known(rows, [*ask.features, *(name for pair in ask.pairs for name in pair)])
    view = _View.of(rows)
    limits = rows.params.report
    budget = Budget(limits.budget_seconds if ask.seconds is None else ask.seconds)
    seeds = _seeds(settings, limits.seeds if ask.seeds is None else ask.seeds, budget)
    walked = refits(rows, view.reference, budget, say)
    importance = _importance(view, say)
    names = list(ask.features) or [each.feature for each in importance[:FEATURES]]
    found = _analysis(
        view,
        _Found(
            walked=walked,
            importance=importance,
            dependence=_dependence(view, names, say),
            pairs=_pairs(view, ask.pairs, say),
            seeds=seeds,
        ),
    )
    folder = ask.folder or settings.root / layout.REPORTS
    paths = folder / PAGE, folder / RECORD
    files.write_text(paths[0], render_analysis(found))
    files.write_json(paths[1], found.model_dump(mode="json"))
    return Written(found, paths)


@dataclass(frozen=True, kw_only=True)
class _View:
    """The rows with the model's input table, and its losses on them."""

    rows: HeldOut
    inputs: pd.DataFrame
    reference: Reference

    @classmethod
    def of(cls, rows: HeldOut) -> _View:
        """Score the rows."""
        record, metric = rows.own.record, rows.params.gate.metric
        features = pd.concat([batch.features for batch in rows.batches.values()], ignore_index=True)
        inputs = model_inputs(features, record.features)
        reference = Reference(
            task=record.task,
            metric=metric,
            alpha=rows.params.gate.alpha,
            labels=record.labels,
            features=features,
            target=rows.target,
            clusters=rows.clusters,
            losses=row_losses(metric, rows.target, score(rows.own.pipeline, record.task, inputs), rows.prices),
            prices=rows.prices,
        )
        return cls(rows=rows, inputs=inputs, reference=reference)

    def drawn(self, most: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Row numbers, drawn anew for each purpose and the same each time."""
        return sample(len(self.inputs), np.random.default_rng(SEED), most=most)


def _seeds(settings: Settings, seeds: int, budget: Budget) -> SeedBand:
    """The scatter over seeds, if refits that are missing end in time; what stands in the way is a note."""
    try:
        missing = missing_refits(settings, seeds)
        each = timings.last_seconds(settings.root).get("train")
        if missing and (each is None or not budget.allows(0) or budget.spent + missing * each > budget.seconds):
            cost = f"about {duration(missing * each)}" if each else "nobody knows how long"
            return SeedBand(sd={}, seeds=0, note=f"not measured: {missing} refits with other seeds take {cost}")
        # Its lines are progress, and here the standard output is for results.
        with contextlib.redirect_stdout(sys.stderr):
            noise = seed_noise(settings, seeds)
    except RatchetError as error:
        return SeedBand(sd={}, seeds=0, note=f"not measured: {error.message}")
    return SeedBand(sd=dict(noise.sd), seeds=noise.seeds, from_cache=noise.from_cache)


def _importance(view: _View, say: Say) -> tuple[FeatureCost, ...]:
    picked = view.drawn(_importance_rows(view))
    reference, pipeline = view.reference, view.rows.own.pipeline
    target, clusters, prices = reference.target[picked], reference.clusters, reference.prices.only(picked)
    judged = Judged(
        inputs=view.inputs.iloc[picked].reset_index(drop=True),
        clusters=None if clusters is None else clusters[picked],
        losses=lambda table: row_losses(reference.metric, target, score(pipeline, reference.task, table), prices),
    )
    say(f"importance: {view.inputs.shape[1]} features, {REPEATS} shuffles of {len(picked):,} rows each")
    random = np.random.default_rng(SEED)
    return costliest_first(list(feature_costs(judged, random, repeats=REPEATS, alpha=reference.alpha)))


def _importance_rows(view: _View) -> int:
    return min(len(view.inputs), SAMPLE_ROWS)


def _examined(view: _View) -> Examined:
    record = view.rows.own.record
    return Examined(
        pipeline=view.rows.own.pipeline,
        task=record.task,
        inputs=record.features,
        table=view.inputs.iloc[view.drawn(DEPENDENCE_ROWS)].reset_index(drop=True),
        labels=record.labels,
        shown=_commonest(view) if len(record.labels) > 2 else record.labels[1:],
    )


def _commonest(view: _View) -> list[str]:
    labels = view.rows.own.record.labels
    counts = np.bincount(view.reference.target.astype(np.int64), minlength=len(labels))
    return sorted(labels, key=lambda label: -int(counts[labels.index(label)]))[:CLASSES]


def _dependence(view: _View, names: Sequence[str], say: Say) -> tuple[Dependence, ...]:
    examined = _examined(view)
    say(f"dependence: {', '.join(names)} on {len(examined.table):,} rows")
    return tuple(each for name in names for each in dependences(examined, name))


def _pairs(view: _View, pairs: Sequence[tuple[str, str]], say: Say) -> tuple[PairDependence, ...]:
    examined = _examined(view)
    found: list[PairDependence] = []
    for one, other in pairs:
        say(f"dependence: {one} and {other} together")
        found.extend(pair_dependences(examined, one, other))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the parts of an analysis found."""

    walked: Refits
    importance: tuple[FeatureCost, ...]
    dependence: tuple[Dependence, ...]
    pairs: tuple[PairDependence, ...]
    seeds: SeedBand


def _analysis(view: _View, found: _Found) -> Analysis:
    rows, reference = view.rows, view.reference
    record, clusters = rows.own.record, reference.clusters
    scored = {fold.batch: _numbers(fold.values) for fold in found.walked.folds if fold.values}
    return Analysis(
        project=record.recipe.project.name,
        task=record.task,
        target=record.target,
        metric=reference.metric,
        coverage=round(1 - 2 * reference.alpha, 12),
        model=record.model_digest,
        estimator=record.recipe.model.estimator,
        trained_rows=record.rows,
        trained_batches=tuple(record.trained_on),
        batches=tuple(rows.batches),
        rows=len(rows.labels[TARGET]),
        clusters=None if clusters is None else len(np.unique(clusters)),
        loss=interval(reference.losses, clusters, alpha=reference.alpha),
        folds=found.walked.folds,
        spread=as_json(spread(scored)),
        learning=found.walked.points,
        learning_note=found.walked.note,
        importance=found.importance,
        importance_rows=_importance_rows(view),
        repeats=REPEATS,
        dependence=found.dependence,
        dependence_rows=min(len(view.inputs), DEPENDENCE_ROWS),
        pairs=found.pairs,
        seeds=found.seeds,
    )


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float("nan") if value is None else value for name, value in values.items()}


def _require_known(rows: HeldOut, names: Sequence[str]) -> None:
    known = [feature.name for feature in rows.own.record.features]
    for name in names:
        if name not in known:
            raise UsageError(
                f"the model has no feature {name!r}{did_you_mean(name, known)}",
                next_step=f"name one of {', '.join(known)}",
            )
