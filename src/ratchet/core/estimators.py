"""Estimators by name, and the one artefact that is trained, evaluated and served: preprocessing and model together."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model, Task
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
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


def build_pipeline(inputs: Sequence[Feature], *, task: Task, features: Features, model: Model) -> Pipeline:
    """An unfitted pipeline for tables with the columns `inputs`.

    Raises UsageError for an estimator that is not known or not for this task, and for a parameter it does not take.
    """
    from sklearn.pipeline import Pipeline

    return Pipeline([("preprocess", _preprocess(inputs, features)), ("estimator", _estimator(task, model))])


def _estimator(task: Task, model: Model) -> Any:
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
    return kind(**{**seed, **model.params})


def _preprocess(inputs: Sequence[Feature], features: Features) -> ColumnTransformer:
    from sklearn.compose import ColumnTransformer

    numbers = [feature.name for feature in inputs if feature.kind == "number"]
    categories = [feature.name for feature in inputs if feature.kind == "category"]
    steps = [("numbers", _numeric(features), numbers), ("categories", _categorical(features), categories)]
    return ColumnTransformer([step for step in steps if step[2]], verbose_feature_names_out=False)


def _numeric(features: Features) -> Any:
    if features.numeric == "passthrough":
        return "passthrough"
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())


def _categorical(features: Features) -> Any:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if features.categorical == "onehot":
        return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
