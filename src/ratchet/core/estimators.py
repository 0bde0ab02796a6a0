"""Estimators by name, and the one artefact that is trained, evaluated and served: preprocessing and model together."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model, Task
from ratchet.core.preprocess.learnt import Learnt
from ratchet.core.preprocess.plan import Plan, make_plan
from ratchet.core.preprocess.transformer import transformer
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

ESTIMATORS = {
    "hist_gradient_boosting": (
        "sklearn.ensemble:HistGradientBoostingClassifier",
        "sklearn.ensemble:HistGradientBoostingRegressor",
    ),
    "random_forest": ("sklearn.ensemble:RandomForestClassifier", "sklearn.ensemble:RandomForestRegressor"),
    "extra_trees": ("sklearn.ensemble:ExtraTreesClassifier", "sklearn.ensemble:ExtraTreesRegressor"),
    "logistic_regression": ("sklearn.linear_model:LogisticRegression", None),
    "ridge": (None, "sklearn.linear_model:Ridge"),
    "elastic_net": (None, "sklearn.linear_model:ElasticNet"),
    "naive_bayes": ("sklearn.naive_bayes:GaussianNB", None),
    "constant": ("sklearn.dummy:DummyClassifier", "sklearn.dummy:DummyRegressor"),
}
"""Each name with its classifier and its regressor."""


def usable(task: Task) -> list[str]:
    """The names of the estimators for `task`."""
    return sorted(name for name, kinds in ESTIMATORS.items() if kinds[task == "regression"])


def build_pipeline(
    inputs: Sequence[Feature], *, task: Task, features: Features, model: Model, learnt: Learnt | None = None
) -> Pipeline:
    """An unfitted pipeline for tables with the columns `inputs`.

    `learnt` comes from `survey` of the training rows; without it, nothing may be declared that depends on them.
    Raises UsageError for an estimator that is not known or not for this task, for a parameter it does not take, and
    for preprocessing of a feature that is not there or is of another kind.
    """
    from sklearn.pipeline import Pipeline

    estimator = build_estimator(task, model)
    plan = make_plan(inputs, features, takes_missing=takes_missing(estimator))
    return Pipeline([("preprocess", transformer(plan, learnt or Learnt(), task)), ("estimator", estimator)])


def plan_for(inputs: Sequence[Feature], *, task: Task, features: Features, model: Model) -> Plan:
    """What `build_pipeline` does to each of `inputs`. Raises UsageError, as it does."""
    return make_plan(inputs, features, takes_missing=takes_missing(build_estimator(task, model)))


def takes_missing(estimator: Any) -> bool:
    """Whether a scikit-learn estimator says of itself that it takes numbers that are missing."""
    tags = estimator.__sklearn_tags__()
    return bool(tags.input_tags.allow_nan or tags.no_validation)


def build_estimator(task: Task, model: Model) -> Any:
    """The unfitted estimator. Raises UsageError if it is not for this task or does not take its parameters."""
    path = ESTIMATORS.get(model.estimator, (None, None))[task == "regression"]
    if path is None:
        raise UsageError(
            f"params.yaml: model.estimator {model.estimator!r} is not an estimator for {task}",
            next_step=f"use one of {', '.join(usable(task))}, or add yours in src/ratchet/core/estimators.py",
        )
    module, _, name = path.partition(":")
    kind = getattr(importlib.import_module(module), name)
    accepted = inspect.signature(kind).parameters
    unknown = sorted(set(model.params) - set(accepted))
    if unknown:
        raise UsageError(
            f"params.yaml: model.params {', '.join(unknown)}: not a parameter of {name}",
            next_step=f"it takes {', '.join(accepted)}",
        )
    seed = {"random_state": model.seed} if "random_state" in accepted else {}
    estimator = kind(**{**seed, **model.params})
    try:
        estimator._validate_params()
    except ValueError as error:
        raise UsageError(
            f"params.yaml: model.params: {error}", next_step="mend it; ratchet params check tries it on a few rows"
        ) from error
    return estimator
