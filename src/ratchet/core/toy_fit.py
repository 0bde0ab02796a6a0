"""A fit on a few made-up rows: whether preprocessing and estimator take their parameters, before data is touched."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.estimators import build_pipeline, plan_for
from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model, Params, Task
from ratchet.core.preprocess.learnt import survey
from ratchet.core.preprocess.plan import kind_of
from ratchet.core.scoring import frame, score
from ratchet.errors import UsageError

ROWS = 60
FEW = 5
"""Trees or iterations: enough to be refused or not."""

SIZES = ("n_estimators", "max_iter", "max_samples", "max_features")
"""Parameters that make a fit long, or that only fit to the number of rows or features of the real data."""


def check_fit(params: Params) -> None:
    """Fit and score a made-up table with a number, a category and every feature that `features.columns` names.

    Raises UsageError with what the estimator says: parameters that exclude each other are found by it alone.
    """
    inputs = _inputs(params.features)
    task, table = params.project.task, frame(inputs, {feature.name: _values(feature) for feature in inputs})
    plan = plan_for(inputs, task=task, features=params.features, model=params.model)
    learnt = survey(table, plan).learnt
    model = _small(params.model)
    pipeline = build_pipeline(inputs, task=task, features=params.features, model=model, learnt=learnt)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # made-up rows converge to nothing
            score(pipeline.fit(table, _target(task)), task, table)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"params.yaml: model and features do not go together: {str(error).partition(chr(10))[0]}",
            next_step=f"mend model.params or features; they were tried on {ROWS} made-up rows",
        ) from error


def _inputs(features: Features) -> list[Feature]:
    plain = [Feature(name="", kind="number", nullable=True), Feature(name=" ", kind="category", nullable=True)]
    return plain + [
        Feature(name=name, kind=kind_of(treatment), nullable=True) for name, treatment in features.columns.items()
    ]


def _values(feature: Feature) -> list[Any]:
    """Some missing, and in a category some that are rare."""
    if feature.kind == "category":
        return [None if row % 9 == 0 else "abc"[row % 3] if row % 10 else f"rare {row}" for row in range(ROWS)]
    return [None if row % 7 == 0 else float(row % 11) for row in range(ROWS)]


def _target(task: Task) -> NDArray[Any]:
    """Positive numbers, as some losses take no others; two classes, or three."""
    rows = np.arange(ROWS)
    return 1.0 + rows % 13 if task == "regression" else rows % (2 if task == "binary" else 3)


def _small(model: Model) -> Model:
    """The same estimator with few trees and iterations."""
    kept = {name: value for name, value in model.params.items() if name not in SIZES}
    few = {name: min(int(model.params[name] or FEW), FEW) for name in SIZES[:2] if name in model.params}
    return model.model_copy(update={"params": {**kept, **few}})
