"""Trees taken apart by shap."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge

from ratchet.core.analysis.parts import margins, require_whole
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.shap_trees import EXTRA, tree_parts

RANDOM = np.random.default_rng(8)
COLUMNS = RANDOM.normal(size=(200, 3))
COLUMNS[:, 1][RANDOM.random(200) < 0.1] = np.nan
VALUE = np.where(COLUMNS[:, 0] > 0, 10.0, 2.0)
TREES = {
    "regression": (
        HistGradientBoostingRegressor(max_iter=5),
        RandomForestRegressor(5),
        ExtraTreesRegressor(5),
    ),
    "classes": (
        HistGradientBoostingClassifier(max_iter=5),
        RandomForestClassifier(5),
        ExtraTreesClassifier(5),
    ),
}


def _fitted(kind: str, classes: int) -> list[tuple[Any, Any]]:
    noisy = VALUE + RANDOM.normal(size=200) + np.nan_to_num(COLUMNS[:, 1])
    target = noisy if kind == "regression" else np.digitize(noisy, [4, 9][: classes - 1])
    return [(each.fit(COLUMNS, target), COLUMNS[:20]) for each in TREES[kind]]


@pytest.mark.parametrize(("kind", "classes"), [("regression", 0), ("classes", 2), ("classes", 3)])
def test_every_kind_of_tree_adds_up(kind: str, classes: int) -> None:
    """Base and amounts sum to what the model itself says of each row and class, missing values included."""
    for estimator, rows in _fitted(kind, classes):
        found, unit = margins(estimator, rows)
        own = estimator.predict_proba(rows) if classes else estimator.predict(rows).reshape(-1, 1)
        require_whole(tree_parts(estimator, rows), found, unit, own)


def test_a_stump_owes_everything_to_the_column_that_it_splits() -> None:
    """A row's amount is its leaf less the mean over training rows; columns that are not used add nothing."""
    stump = RandomForestRegressor(1, max_depth=1, bootstrap=False).fit(np.nan_to_num(COLUMNS), VALUE)
    rows = np.nan_to_num(COLUMNS[:10])
    found = tree_parts(stump, rows)
    assert found.base == pytest.approx([VALUE.mean()])
    assert found.amounts[:, 0, 0] == pytest.approx(VALUE[:10] - VALUE.mean())
    assert (found.amounts[:, 1:] == 0).all()


def test_without_shap_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: what is missing is named, with the line to type."""
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(UsageError, match="needs shap") as refused:
        tree_parts(None, COLUMNS)
    assert refused.value.next_step == EXTRA == "pip install 'ratchet[shap]'"


def test_a_model_that_shap_does_not_know_is_refused() -> None:
    """Its own error becomes one of ours."""
    with pytest.raises(ServiceFailed, match="shap cannot read this Ridge"):
        tree_parts(Ridge().fit(np.nan_to_num(COLUMNS), VALUE), COLUMNS)
