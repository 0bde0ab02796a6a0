"""A prediction as a sum: what each column of the estimator's input adds to the average prediction.

Shapley values (Shapley, 1953; Lundberg and Lee, NeurIPS 2017) in the margin of the estimator, in which it is a sum
itself. For an additive model they have a closed form: a column adds its own term less that term's mean over the
training rows, which is coef * (x - mean) for a linear model (Strumbelj and Kononenko, Knowledge and Information Systems
41, 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.analysis.records import Unit
from ratchet.errors import ServiceFailed, UsageError

Floats = NDArray[np.float64]
Kind = Literal["trees", "linear", "naive bayes"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "hist_gradient_boosting": "trees",
        "random_forest": "trees",
        "extra_trees": "trees",
        "logistic_regression": "linear",
        "ridge": "linear",
        "elastic_net": "linear",
        "naive_bayes": "naive bayes",
    }
)
"""Estimators of `params.yaml` whose predictions can be taken apart, and how."""
TOLERANCE = 1e-6
"""What a sum may be off by, relative to its largest part: rounding is about 1e-14."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`base` (k,) and `amounts` (n, columns, k): a row's amounts and the base sum to its margin, for each of k classes.

    For a regression k is 1.
    """

    base: Floats
    amounts: Floats


def kind_of(estimator: str) -> Kind:
    """How an estimator of `params.yaml` is taken apart. Raises UsageError that names what can be done without."""
    if estimator not in KINDS:
        raise UsageError(
            f"single predictions of {estimator} cannot be taken apart: that is known of {', '.join(KINDS)}",
            next_step="ratchet analyse shows what any model leans on: permutation importance and partial dependence",
        )
    return KINDS[estimator]


def margins(estimator: Any, columns: Floats) -> tuple[Floats, Unit]:
    """(n, k) what the estimator's sum comes to for each row and class, and its unit; two classes are negatives."""
    if not hasattr(estimator, "classes_"):
        return np.asarray(estimator.predict(columns), dtype=np.float64).reshape(-1, 1), "target"
    two = len(estimator.classes_) == 2
    if hasattr(estimator, "decision_function"):
        found = np.asarray(estimator.decision_function(columns), dtype=np.float64)
        return (_both(found), "log-odds") if two else (found, "score")
    if hasattr(estimator, "predict_joint_log_proba"):
        found = np.asarray(estimator.predict_joint_log_proba(columns), dtype=np.float64)
        return (_both(found[:, 1] - found[:, 0]), "log-odds") if two else (found, "score")
    return np.asarray(estimator.predict_proba(columns), dtype=np.float64), "probability"


def predictions(found: Floats, unit: Unit) -> Floats:
    """Margins (n, k) as probabilities or values."""
    if unit == "log-odds":
        return np.asarray(np.exp(-np.logaddexp(0, -found)), dtype=np.float64)
    if unit == "score":
        raised = np.exp(found - found.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)
    return found


def linear_parts(estimator: Any, columns: Floats, background: Floats) -> Parts:
    """Of a linear model; `background` (m, columns) are the rows whose mean is the average row."""
    slopes = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    starts = np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64))
    average = background.mean(axis=0)
    amounts = (columns - average)[:, :, None] * slopes.T[None, :, :]
    return mirrored(estimator, Parts(base=starts + slopes @ average, amounts=amounts))


def naive_bayes_parts(estimator: Any, columns: Floats, background: Floats) -> Parts:
    """Of a Gaussian naive Bayes model: a column's term is its log density, of the second class less of the first."""
    average = _densities(estimator, background).mean(axis=0)
    amounts = _densities(estimator, columns) - average
    base = np.log(estimator.class_prior_) + average.sum(axis=0)
    if len(estimator.classes_) == 2:
        amounts, base = amounts[:, :, 1:] - amounts[:, :, :1], base[1:] - base[:1]
    return mirrored(estimator, Parts(base=base, amounts=amounts))


def mirrored(estimator: Any, parts: Parts) -> Parts:
    """Of two classes a sum for each, where only that of the second is known."""
    if not hasattr(estimator, "classes_") or parts.amounts.shape[2] != 1:
        return parts
    return Parts(base=_both(parts.base[0]), amounts=_both(parts.amounts[:, :, 0]))


def require_whole(parts: Parts, found: Floats, unit: Unit, scores: Floats) -> None:
    """Check that the amounts of each row sum to its margin, and that the margin is the pipeline's prediction.

    Raises ServiceFailed otherwise: an explanation that does not add up explains another model.
    """
    sums = parts.base + parts.amounts.sum(axis=1)
    size = np.maximum(1.0, np.abs(parts.amounts).max(axis=1, initial=0.0))
    off = np.abs(sums - found) / size
    other = np.abs(predictions(found, unit) - scores) / np.maximum(1.0, np.abs(scores))
    if not (off <= TOLERANCE).all() or not (other <= TOLERANCE).all():
        raise ServiceFailed(
            f"the contributions do not add up to the predictions: they are off by {max(off.max(), other.max()):.2g}, "
            f"relative to the largest, and at most {TOLERANCE:g} is rounding",
            next_step="the version of shap may not know this version of scikit-learn: install the locked versions",
        )


def by_feature(parts: Parts, sources: list[str]) -> dict[str, Floats]:
    """(n, k) for each feature: the sum over the columns that come from it."""
    places: dict[str, list[int]] = {}
    for place, feature in enumerate(sources):
        places.setdefault(feature, []).append(place)
    return {feature: parts.amounts[:, columns, :].sum(axis=1) for feature, columns in places.items()}


def _densities(estimator: Any, columns: Floats) -> Floats:
    """(n, columns, k) logarithms."""
    spread = np.asarray(estimator.var_, dtype=np.float64).T[None, :, :]
    distance = columns[:, :, None] - np.asarray(estimator.theta_, dtype=np.float64).T[None, :, :]
    return np.asarray(-0.5 * (np.log(2 * np.pi * spread) + distance**2 / spread), dtype=np.float64)


def _both(second: Any) -> Floats:
    return np.stack([-np.asarray(second), np.asarray(second)], axis=-1)
