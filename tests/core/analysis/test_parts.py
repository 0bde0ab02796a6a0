"""Predictions as sums: closed forms, and that every sum is the prediction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from ratchet.core.analysis.parts import (
    KINDS,
    by_feature,
    kind_of,
    linear_parts,
    margins,
    naive_bayes_parts,
    predictions,
    require_whole,
)
from ratchet.core.estimators import ESTIMATORS
from ratchet.errors import ServiceFailed, UsageError

RANDOM = np.random.default_rng(3)
COLUMNS = RANDOM.normal(size=(120, 4))
VALUE = COLUMNS @ np.array([2.0, -1.0, 0.0, 0.5]) + 7
TWO = (VALUE > 7).astype(int)
THREE = np.digitize(VALUE, [6, 8])
ADDITIVE: dict[str, tuple[Any, Any]] = {
    "ridge": (Ridge(alpha=1e-8).fit(COLUMNS, VALUE), linear_parts),
    "two classes": (LogisticRegression().fit(COLUMNS, TWO), linear_parts),
    "three classes": (LogisticRegression().fit(COLUMNS, THREE), linear_parts),
    "naive bayes, two": (GaussianNB().fit(COLUMNS, TWO), naive_bayes_parts),
    "naive bayes, three": (GaussianNB().fit(COLUMNS, THREE), naive_bayes_parts),
}


def scores(estimator: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What the pipeline would say."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(COLUMNS))
    return np.asarray(estimator.predict(COLUMNS)).reshape(-1, 1)


def test_a_linear_model_owes_each_column_its_coefficient_times_the_distance_from_the_mean() -> None:
    """The base is the prediction of the average row; a column without a weight adds nothing."""
    estimator, _ = ADDITIVE["ridge"]
    found = linear_parts(estimator, COLUMNS, COLUMNS)
    expected = np.array([2.0, -1.0, 0.0, 0.5]) * (COLUMNS - COLUMNS.mean(axis=0))
    assert found.amounts[:, :, 0] == pytest.approx(expected, abs=1e-6)
    assert found.base == pytest.approx(estimator.predict(COLUMNS.mean(axis=0)[None, :]))


@pytest.mark.parametrize("name", ADDITIVE)
def test_contributions_add_up_to_the_prediction(name: str) -> None:
    """Base and amounts sum to the margin of every row and class, and the margin is the model's own probability."""
    estimator, parts = ADDITIVE[name]
    found, unit = margins(estimator, COLUMNS)
    assert predictions(found, unit) == pytest.approx(scores(estimator))
    require_whole(parts(estimator, COLUMNS, COLUMNS[:50]), found, unit, scores(estimator))


@pytest.mark.parametrize("name", ADDITIVE)
def test_amounts_average_to_nothing_over_the_background(name: str) -> None:
    """The base is what is predicted on average: over the rows that it stands for, each column adds 0."""
    estimator, parts = ADDITIVE[name]
    assert parts(estimator, COLUMNS, COLUMNS).amounts.mean(axis=0) == pytest.approx(0.0, abs=1e-9)


def test_two_classes_are_negatives_of_each_other() -> None:
    """What speaks for one class speaks as much against the other."""
    for name in ("two classes", "naive bayes, two"):
        estimator, parts = ADDITIVE[name]
        amounts = parts(estimator, COLUMNS, COLUMNS).amounts
        assert (amounts[:, :, 0] == -amounts[:, :, 1]).all()


@pytest.mark.parametrize("change", ["amounts", "base"])
def test_a_sum_that_is_off_is_refused(change: str) -> None:
    """An explanation that does not add up explains another model, however little it is off."""
    estimator, parts = ADDITIVE["two classes"]
    whole = parts(estimator, COLUMNS, COLUMNS)
    found, unit = margins(estimator, COLUMNS)
    with pytest.raises(ServiceFailed, match="do not add up"):
        require_whole(replace(whole, **{change: getattr(whole, change) + 1e-4}), found, unit, scores(estimator))


def test_a_margin_of_another_model_is_refused() -> None:
    """Amounts that sum to the margin are worth nothing if that is not what the pipeline predicts."""
    estimator, parts = ADDITIVE["two classes"]
    found, unit = margins(estimator, COLUMNS)
    with pytest.raises(ServiceFailed, match="do not add up"):
        require_whole(parts(estimator, COLUMNS, COLUMNS), found, unit, scores(estimator)[::-1])


def test_a_number_that_is_not_finite_is_refused() -> None:
    """NaN is never within a tolerance."""
    estimator, parts = ADDITIVE["ridge"]
    whole = parts(estimator, COLUMNS, COLUMNS)
    found, unit = margins(estimator, COLUMNS)
    with pytest.raises(ServiceFailed, match="do not add up"):
        require_whole(replace(whole, amounts=whole.amounts * np.nan), found, unit, scores(estimator))


def test_columns_of_a_feature_are_summed() -> None:
    """What the columns of a feature add, the feature adds."""
    estimator, parts = ADDITIVE["ridge"]
    whole = parts(estimator, COLUMNS, COLUMNS)
    found = by_feature(whole, ["a", "b", "a", "b"])
    assert found["a"] == pytest.approx(whole.amounts[:, [0, 2]].sum(axis=1))
    assert sum(found.values()) == pytest.approx(whole.amounts.sum(axis=1))


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=5))
def test_margins_become_probabilities(values: list[float]) -> None:
    """Log-odds and scores of any size are in [0, 1], those of scores sum to 1, and other margins stay as they are."""
    row = np.array([values])
    assert predictions(row, "log-odds") == pytest.approx(expit(row))
    shares = predictions(row, "score")
    assert shares.sum() == pytest.approx(1.0)
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (predictions(row, "target") == row).all()


def test_every_estimator_is_known_or_refused_by_name() -> None:
    """Only the constant model has nothing to be taken apart; the refusal says what can be done instead."""
    assert set(ESTIMATORS) - set(KINDS) == {"constant"}
    with pytest.raises(UsageError, match="constant cannot be taken apart") as refused:
        kind_of("constant")
    assert "ratchet analyse" in refused.value.next_step
