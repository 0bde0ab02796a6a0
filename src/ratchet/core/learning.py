"""Fitting, and what walking forward over the training batches says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ratchet.core.estimators import build_pipeline, plan_for
from ratchet.core.feature_table import (
    TARGET,
    LabelledBatch,
    describe_features,
    encode_target,
    known_labels,
    labels_of,
    model_inputs,
)
from ratchet.core.metrics import Target, measure
from ratchet.core.model_record import Feature
from ratchet.core.params import Params
from ratchet.core.preprocess.learnt import Survey, survey
from ratchet.core.prices import Prices
from ratchet.core.scoring import score
from ratchet.core.split import Fold
from ratchet.core.treated import Treated
from ratchet.errors import DataRefused

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted pipeline with what a `ModelRecord` says about it; `rows` are those it was fitted on."""

    pipeline: Pipeline
    features: list[Feature]
    labels: list[str]
    baseline: list[float]
    rows: int
    treated: Treated


@dataclass(frozen=True, kw_only=True)
class FoldScore:
    """The metrics of one fold, none if no row could be scored; without those that a function of the room prices.

    `unscored` are rows of the scored batch with a class that no training batch of the fold has: no score stands for it.
    """

    metrics: dict[str, float]
    rows: int
    unscored: int


@dataclass(frozen=True, kw_only=True)
class _Training:
    """Training rows as the estimator sees them, and what preprocessing found in them."""

    inputs: list[Feature]
    table: pd.DataFrame
    target: pd.Series
    survey: Survey


def fit(batches: Sequence[LabelledBatch], params: Params) -> Fitted:
    """Fit preprocessing and estimator on all rows of `batches`, but for those whose outliers are to be dropped.

    Raises DataRefused if there is nothing to learn (one class only, or batches with other columns than the rest), and
    UsageError for preprocessing of a feature that is not there.
    """
    rows = _training(batches, params)
    if (task := params.project.task) != "regression" and rows.target.nunique() < 2:
        raise DataRefused(
            f"the target {params.project.target} has one class only in the {len(rows.target):,} training rows",
            next_step="add batches that have the other class, or mend label() in the room's features.py",
        )
    return _fitted(rows, params, labels_of(rows.target, task))


def cross_validate(batches: Mapping[str, LabelledBatch], folds: Sequence[Fold], params: Params) -> dict[str, FoldScore]:
    """How each fold was scored, by the name of the batch that it was scored on.

    Batches that are not among `batches` have no row to learn from or to be scored on, as all of theirs are open.
    """
    there = [
        (
            fold.test[0],
            [batches[name] for name in fold.train if name in batches],
            [batches[name] for name in fold.test if name in batches],
        )
        for fold in folds
    ]
    return {name: _fold_score(train, test, params) for name, train, test in there if train and test}


def spread(folds: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (over folds, n - 1) of each metric; the deviation needs two folds."""
    names = next(iter(folds.values()), {})
    out: dict[str, dict[str, float]] = {}
    for name in names:
        values = np.array([metrics[name] for metrics in folds.values()])
        out[name] = {"mean": float(values.mean())}
        if len(values) > 1:
            out[name]["sd"] = float(values.std(ddof=1))
    return out


def as_json(table: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Numbers by two names; one that the rows leave undefined (AUC of a fold with one class) is None, as in JSON."""
    return {
        name: {key: value if np.isfinite(value) else None for key, value in row.items()} for name, row in table.items()
    }


def _fold_score(train: Sequence[LabelledBatch], test: Sequence[LabelledBatch], params: Params) -> FoldScore:
    """As time goes by classes come up: a fold from before has none to tell apart, or not those of the scored batch."""
    rows = _training(train, params)
    features, target = _together(test)
    task = params.project.task
    labels = labels_of(rows.target, task)
    known = known_labels(target, labels, task)
    if not known.any() or (task != "regression" and rows.target.nunique() < 2):
        return FoldScore(metrics={}, rows=len(known), unscored=len(known))
    fitted = _fitted(rows, params, labels)
    scores = score(fitted.pipeline, task, model_inputs(features[known], fitted.features))
    prices = Prices(task=task, declared=params.evaluate.costs, labels=labels)
    also = [*params.evaluate.costs, params.gate.metric]
    metrics = measure(task, encode_target(target[known], labels, task), scores, prices.measurable(also), prices)
    return FoldScore(metrics=metrics, rows=len(known), unscored=int((~known).sum()))


def _training(batches: Sequence[LabelledBatch], params: Params) -> _Training:
    features, target = _together(batches)
    inputs = describe_features(features)
    table = model_inputs(features, inputs)
    plan = plan_for(inputs, task=params.project.task, features=params.features, model=params.model)
    found = survey(table, plan)
    if not found.stays.any():
        raise DataRefused(
            f"preprocessing drops all {len(table):,} training rows: each has an outlier",
            next_step="widen the bounds of features.outliers in params.yaml, or clip instead",
        )
    if found.treated.dropped:
        table, target = table[found.stays], target[found.stays]
    return _Training(inputs=inputs, table=table, target=target, survey=found)


def _fitted(rows: _Training, params: Params, labels: list[str]) -> Fitted:
    task = params.project.task
    encoded = encode_target(rows.target, labels, task)
    learnt = replace(rows.survey.learnt, classes=len(labels))
    pipeline = build_pipeline(rows.inputs, task=task, features=params.features, model=params.model, learnt=learnt)
    pipeline.fit(rows.table, encoded)
    return Fitted(
        pipeline=pipeline,
        features=rows.inputs,
        labels=labels,
        baseline=_baseline(encoded, len(labels)),
        rows=len(encoded),
        treated=rows.survey.treated,
    )


def _together(batches: Sequence[LabelledBatch]) -> tuple[pd.DataFrame, pd.Series]:
    columns = list(batches[0].features.columns)
    for batch in batches:
        if list(batch.features.columns) != columns:
            odd = sorted(set(batch.features.columns) ^ set(columns))
            raise DataRefused(
                f"batches have different features: {', '.join(odd) or 'another order'}",
                next_step="make build() return the same columns in the same order for every batch",
            )
    features = pd.concat([batch.features for batch in batches], ignore_index=True)
    return features, pd.concat([batch.labels[TARGET] for batch in batches], ignore_index=True)


def _baseline(encoded: Target, classes: int) -> list[float]:
    if not classes:
        return [float(encoded.mean())]
    return [float(share) for share in np.bincount(encoded, minlength=classes) / len(encoded)]
