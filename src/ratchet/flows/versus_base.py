"""The base's model and this work tree's, on the rows to look at (`core.looked_at`): what differs, and where.

The base's model comes from its `dvc.lock`, its features from its own room's code. What keeps the two from being
compared is an answer, not an error: the gate, which compares with the champion, stands without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.change.comparable import GATE, require_comparable, require_finite
from ratchet.core.change.importance import Scored, feature_importance, sample
from ratchet.core.change.model import BASE, CHANGE, Refits, curve_points, metric_changes, metric_history
from ratchet.core.change.records import BatchMetric, Comparison, Importance, Rows
from ratchet.core.change.slices import Losses, worst_slices
from ratchet.core.change.switched import Predicted, switched
from ratchet.core.clusters import Groups, group
from ratchet.core.curves import predicted_labels
from ratchet.core.evaluation import Scored as Measured
from ratchet.core.evaluation import evaluate_rows
from ratchet.core.feature_table import CLUSTER, TARGET, encode_target, model_inputs
from ratchet.core.judged import Evaluation, clusters_of
from ratchet.core.looked_at import HOLDOUT
from ratchet.core.metrics import METRICS, Floats, Target, row_losses
from ratchet.core.model_record import ModelRecord
from ratchet.core.params import Params
from ratchet.core.prices import Prices
from ratchet.core.scoring import Scores, score
from ratchet.errors import DataRefused, ServiceFailed, UsageError
from ratchet.flows.base_model import OtherModel, base_model, of_other_libraries
from ratchet.io import layout, model_folder
from ratchet.io.features import features_for
from ratchet.io.looked_at import RowsToLookAt, looked_at
from ratchet.io.model_folder import LoadedModel
from ratchet.io.prices import prices_of
from ratchet.io.revision import Revision
from ratchet.io.room import read_params
from ratchet.settings import Settings

SEED = 0
"""Of the rows and the shuffles that importance is measured with: the same inputs give the same record."""
NOT_MEASURED: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """The rows that the work tree's last run looked at, in one order throughout."""

    params: Params
    looked: RowsToLookAt
    model: LoadedModel
    features: pd.DataFrame
    keys: pd.DataFrame
    target: Target
    clusters: Groups | None
    prices: Prices

    @property
    def codes(self) -> NDArray[np.intp] | None:
        """Each row's cluster as a number: names are slow to sort."""
        return None if self.clusters is None else self.clusters.codes


@dataclass(frozen=True)
class _Side:
    """One model on the rows: its inputs, its scores, and the loss of each row in the gate's metric."""

    model: LoadedModel
    inputs: pd.DataFrame
    scores: Scores
    losses: Floats


def compare_with_base(
    settings: Settings, base: Revision, *, seed_sd: Mapping[str, float] = NOT_MEASURED, seeds: int = 0
) -> tuple[Comparison | None, str]:
    """Compare both models on the rows that the last run looked at, or say why that cannot be.

    `seed_sd` is each metric's standard deviation over the fit and `seeds` refits with other seeds; empty: not measured.
    Raises ServiceFailed if nothing was run here yet, TamperedFile if an output is not what its stage wrote.
    """
    judged = _read(settings.root)
    try:
        with base_model(settings, base) as other:
            _require_comparable(other.model.record, judged)
            features = _base_features(settings.root, other, judged)
            with of_other_libraries(other.model.record.libraries):
                sides = {
                    BASE: _side(other.model, features, judged, whose="the base's model"),
                    CHANGE: _side(judged.model, judged.features, judged, whose="this change's model"),
                }
                shuffled = _importance(sides, judged)
    except (DataRefused, ServiceFailed, UsageError) as refused:
        return None, f"{refused.message}; {refused.next_step}" if refused.next_step else refused.message
    folds = _history(settings.root, base, sides, judged)
    refits = Refits(sd=seed_sd, count=seeds)
    return _comparison(sides, judged, refits, importance=shuffled, history=folds), ""


def _read(root: Path) -> _Judged:
    try:
        evaluation = Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())
    except OSError as error:
        raise ServiceFailed(f"there is nothing to compare: {error}", next_step="ratchet run") from error
    params = read_params(root)
    rows = looked_at(root, params)
    if not evaluation.is_of(rows.about):
        raise ServiceFailed(
            f"{layout.EVALUATION} was made from other features than {layout.FEATURES} holds", next_step="ratchet run"
        )
    model, labels = model_folder.read(root / layout.MODEL), rows.labels
    clusters = clusters_of(labels)
    return _Judged(
        params=params,
        looked=rows,
        model=model,
        features=rows.features,
        keys=labels.drop(columns=[CLUSTER, TARGET]),
        target=encode_target(labels[TARGET], model.record.labels, model.record.task),
        clusters=None if clusters is None else group(clusters, len(labels)),
        prices=prices_of(root, params, model.record.labels, rows.batches),
    )


def _require_comparable(base: ModelRecord, judged: _Judged) -> None:
    """Raises DataRefused; open rows lie in batches that models are trained on, in part."""
    rows, change = judged.looked, judged.model.record
    require_comparable(base, change, rows.about.batches if rows.about.kind == HOLDOUT else {})
    for whose, record in (("the base's model", base), ("this change's model", change)):
        try:
            rows.require_unseen(record)
        except DataRefused as refused:
            raise DataRefused(f"{whose} shows nothing here: {refused.message}", next_step=GATE) from refused


def _base_features(root: Path, base: OtherModel, judged: _Judged) -> pd.DataFrame:
    """Made by the base's own code. Raises DataRefused if it cannot read the rows."""
    try:
        features = features_for(root, base.home, judged.looked.batches)
    except DataRefused as refused:
        last_words = refused.message.partition(": ")[2] or refused.message
        raise DataRefused(
            f"the base's own feature function cannot read the rows that judge: {last_words}", next_step=GATE
        ) from refused
    if len(features) != len(judged.target):
        raise DataRefused(
            f"the base's feature function makes {len(features):,} rows of the {len(judged.target):,} that judge",
            next_step=GATE,
        )
    return features


def _side(model: LoadedModel, features: pd.DataFrame, judged: _Judged, *, whose: str) -> _Side:
    inputs = model_inputs(features, model.record.features)
    scores = score(model.pipeline, model.record.task, inputs)
    metric = judged.params.gate.metric
    losses = require_finite(row_losses(metric, judged.target, scores, judged.prices), f"{metric} of {whose}")
    return _Side(model, inputs, scores, losses)


def _comparison(
    sides: Mapping[str, _Side],
    judged: _Judged,
    refits: Refits,
    *,
    importance: tuple[Importance, ...],
    history: tuple[BatchMetric, ...],
) -> Comparison:
    base, change = sides[BASE], sides[CHANGE]
    alpha, report = judged.params.gate.alpha, judged.params.report
    task, target, codes = change.model.record.task, judged.target, judged.codes
    scores = {BASE: base.scores, CHANGE: change.scores}
    measured = Measured(
        target=target, models=scores, clusters=codes, pair=(BASE, CHANGE), alpha=alpha, prices=judged.prices
    )
    rows = evaluate_rows(task, measured, [*judged.params.evaluate.costs, judged.params.gate.metric])
    same = base.model.record.model_digest == change.model.record.model_digest
    losses = Losses(base=base.losses, change=change.losses, clusters=judged.codes)
    return Comparison(
        rows=len(judged.target),
        clusters=judged.clusters.count if judged.clusters else None,
        coverage=round(1 - 2 * alpha, 12),
        loss=judged.params.gate.metric,
        metrics=metric_changes(rows, refits, alpha=alpha, same_model=same),
        seeds=refits.count,
        slices=worst_slices(judged.features, losses, alpha=alpha, least_rows=report.slice_rows, most=report.slices),
        switched=None if task == "regression" else _switched(base, change, judged),
        importance=importance,
        history=history,
        curves=curve_points(task, judged.target, {"base": base.scores, "change": change.scores}),
    )


def _switched(base: _Side, change: _Side, judged: _Judged) -> Rows:
    record, threshold = change.model.record, judged.params.evaluate.threshold
    said = Predicted(
        target=judged.target.astype(np.int64),
        base=predicted_labels(base.scores, record.task, threshold),
        change=predicted_labels(change.scores, record.task, threshold),
        loss=change.losses - base.losses,
    )
    return switched(said, judged.keys, record.labels, most=judged.params.report.examples)


def _importance(sides: Mapping[str, _Side], judged: _Judged) -> tuple[Importance, ...]:
    random = np.random.default_rng(SEED)
    rows = sample(len(judged.target), random)
    base, change = (_scored(sides[name], rows, judged) for name in (BASE, CHANGE))
    return feature_importance(base, change, random)


def _scored(side: _Side, rows: NDArray[np.intp], judged: _Judged) -> Scored:
    target, metric, prices = judged.target[rows], judged.params.gate.metric, judged.prices.only(rows)

    def loss(table: pd.DataFrame) -> float:
        scores = score(side.model.pipeline, side.model.record.task, table)
        return float(row_losses(metric, target, scores, prices).mean())

    return Scored(side.inputs.iloc[rows].reset_index(drop=True), loss)


def _history(root: Path, base: Revision, sides: Mapping[str, _Side], judged: _Judged) -> tuple[BatchMetric, ...]:
    names = list(judged.looked.about.batches)
    metric = METRICS[judged.params.gate.metric]
    where = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
    held_out = BatchMetric(
        batch=where if judged.looked.about.kind == HOLDOUT else "open rows",
        base=float(metric.of_losses(sides[BASE].losses).mean()),
        change=float(metric.of_losses(sides[CHANGE].losses).mean()),
        held_out=True,
    )
    own = (root / layout.TRAIN_METRICS).read_text(encoding="utf-8")
    return metric_history(
        judged.params.gate.metric, _folds(base.text(layout.TRAIN_METRICS) or "{}"), _folds(own), held_out
    )


def _folds(text: str) -> Mapping[str, Any]:
    folds: Mapping[str, Any] = json.loads(text).get("folds", {})
    return folds
