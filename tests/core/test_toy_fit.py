"""Parameters are tried before data is touched: what the estimator would refuse later is refused now."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.core.estimators import ESTIMATORS
from ratchet.core.params import Params, Task, parse_params
from ratchet.core.toy_fit import check_fit
from ratchet.errors import UsageError


def params(estimator: str, task: Task = "binary", features: dict[str, Any] | None = None, **model: Any) -> Params:
    return parse_params(
        {
            "project": {"name": "m", "room": "r", "task": task, "target": "y"},
            "split": {},
            "features": features or {},
            "model": {"estimator": estimator, "params": model},
            "evaluate": {},
            "gate": {"metric": "squared_error" if task == "regression" else "log_loss"},
        }
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_passes_with_its_defaults(estimator: str, task: Task) -> None:
    """Nothing is refused that would work, and each name is tried for its tasks."""
    if ESTIMATORS[estimator][task == "regression"]:
        check_fit(params(estimator, task))
    else:
        with pytest.raises(UsageError, match="is not an estimator for"):
            check_fit(params(estimator, task))


@pytest.mark.parametrize(
    ("estimator", "model", "said"),
    [
        ("hist_gradient_boosting", {"learning_rate": -1.0}, "'learning_rate' parameter .* Got -1.0 instead"),
        ("random_forest", {"n_estimators": "many"}, "'n_estimators' parameter .* Got 'many' instead"),
        ("random_forest", {"oob_score": True, "bootstrap": False}, "Out of bag estimation only available if bootstrap"),
        ("logistic_regression", {"solver": "liblinear", "l1_ratio": 0.5}, "saga"),
    ],
)
def test_what_the_estimator_refuses_is_a_usage_error(estimator: str, model: dict[str, Any], said: str) -> None:
    """A value out of range, and values that exclude each other, in the estimator's own words."""
    with pytest.raises(UsageError, match=said):
        check_fit(params(estimator, **model))


@pytest.mark.parametrize(
    ("estimator", "task", "model"),
    [
        ("random_forest", "binary", {"n_estimators": 1_000_000, "max_samples": 50_000, "max_features": 40}),
        ("hist_gradient_boosting", "regression", {"loss": "gamma", "max_iter": 1_000_000}),
        ("logistic_regression", "binary", {"max_iter": 1_000_000}),
    ],
)
@pytest.mark.timeout(20)
def test_what_fits_real_data_is_not_refused_for_made_up_rows(estimator: str, task: Task, model: dict[str, Any]) -> None:
    """Sizes that need many rows or take long are left to the real fit."""
    check_fit(params(estimator, task, **model))


def test_declared_columns_are_tried_too() -> None:
    """A section that works passes, whatever it names; one of both kinds at once is refused."""
    columns: dict[str, Any] = {
        "hour": {"periodic": {"period": 24}},
        "dest": {"categorical": "target", "rare": {"min_count": 500}},
        "wind": {"outliers": {"action": "drop", "rule": "bounds", "low": 1000}},
    }
    check_fit(params("ridge", "regression", features={"columns": columns, "missing": {"indicator": True}}))
    with pytest.raises(UsageError, match=r"dest.periodic: the feature is a category"):
        check_fit(params("ridge", "regression", features={"columns": {"dest": {**columns["hour"], **columns["dest"]}}}))
