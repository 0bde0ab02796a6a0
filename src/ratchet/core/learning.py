"""Fitting, and what walking forward over the training batches says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ratchet.core.estimators import build_pipeline
from ratchet.core.feature_table import (
    TARGET,
    LabelledBatch,
    describe_features,
    encode_target,
    labels_of,
    model_inputs,
)
from ratchet.core.metrics import Target, measure
from ratchet.core.model_record import Feature
from ratchet.core.params import Params
from ratchet.core.scoring import score
from ratchet.core.split import Fold
from ratchet.errors import DataRefused

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted pipeline with what a `ModelRecord` says about it."""

    pipeline: Pipeline
    features: list[Feature]
    labels: list[str]
    baseline: list[float]
    rows: int


def fit(batches: Sequence[LabelledBatch], params: Params) -> Fitted:
    """Fit preprocessing and estimator on all rows of `batches`.

    Raises DataRefused if there is nothing to learn (one class only, or batches with other columns than the rest).
    """
    features, target = _together(batches)
    task = params.project.task
    inputs, labels = describe_features(features), labels_of(target, task)
    encoded = encode_target(target, labels, task)
    if task != "regression" and len(np.unique(encoded)) < 2:
        raise DataRefused(
            f"the target {params.project.target} has one class only in the {len(encoded):,} training rows",
            next_step="add batches that have the other class, or mend label() in the room's features.py",
        )
    pipeline = build_pipeline(inputs, task=task, features=params.features, model=params.model)
    pipeline.fit(model_inputs(features, inputs), encoded)
    return Fitted(
        pipeline=pipeline,
        features=inputs,
        labels=labels,
        baseline=_baseline(encoded, len(labels)),
        rows=len(encoded),
    )


def cross_validate(
    batches: Mapping[str, LabelledBatch], folds: Sequence[Fold], params: Params
) -> dict[str, dict[str, float]]:
    """The metrics of each fold, by the name of the batch that it was scored on."""
    return {fold.test: _fold_metrics(batches, fold, params) for fold in folds}


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


def _fold_metrics(batches: Mapping[str, LabelledBatch], fold: Fold, params: Params) -> dict[str, float]:
    fitted = fit([batches[name] for name in fold.train], params)
    test = batches[fold.test]
    task = params.project.task
    scores = score(fitted.pipeline, task, model_inputs(test.features, fitted.features))
    return measure(task, encode_target(test.labels[TARGET], fitted.labels, task), scores)


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
