"""Which feature each column of the estimator's input comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratchet.core.analysis.column_sources import column_sources
from ratchet.core.estimators import build_pipeline, plan_for
from ratchet.core.feature_table import describe_features, model_inputs
from ratchet.core.params import Features, Model
from ratchet.core.preprocess.learnt import survey
from ratchet.errors import UsageError

RANDOM = np.random.default_rng(5)
ROWS = 200
RAW = pd.DataFrame(
    {
        "a": RANDOM.choice(["x", "b_x", "y"], size=ROWS),
        "a_b": RANDOM.choice(["x", "y"], size=ROWS).astype(object),
        "rare": np.array(["once", "twice", "twice", *["often"] * (ROWS - 3)], dtype=object),
        "hour": RANDOM.integers(0, 24, ROWS).astype(float),
        "gap": np.where(RANDOM.random(ROWS) < 0.3, np.nan, RANDOM.normal(size=ROWS)),
        "far": np.append(RANDOM.normal(size=ROWS - 1), 1e6),
    }
)
RAW.loc[:20, "a_b"] = np.nan
TARGET = RANDOM.normal(size=ROWS)
MODEL = Model(estimator="ridge")
PREPROCESSING: dict[str, dict[str, Any]] = {
    "ordinal": {"categorical": "ordinal"},
    "one-hot": {"categorical": "onehot", "numeric": "scaled"},
    "rare": {"categorical": "onehot", "rare": {"min_share": 0.1}},
    "target": {"categorical": "target"},
    "periodic": {"columns": {"hour": {"periodic": {"period": 24, "splines": 6}}}},
    "indicators": {"categorical": "onehot", "missing": {"indicator": True, "category": "most_frequent"}},
    "flags": {"outliers": {"action": "flag"}},
}


def fitted(features: dict[str, Any]) -> tuple[Any, pd.DataFrame]:
    """A fitted pipeline and the table that it was fitted on."""
    inputs = describe_features(RAW)
    table = model_inputs(RAW, inputs)
    said = Features.model_validate(features)
    plan = plan_for(inputs, task="regression", features=said, model=MODEL)
    pipeline = build_pipeline(inputs, task="regression", features=said, model=MODEL, learnt=survey(table, plan).learnt)
    return pipeline.fit(table, TARGET), table


@pytest.mark.parametrize("features", PREPROCESSING.values(), ids=list(PREPROCESSING))
def test_a_feature_moves_its_own_columns_and_no_others(features: dict[str, Any]) -> None:
    """With the values of one feature dealt anew, exactly columns that are named after it change."""
    pipeline, table = fitted(features)
    usual = np.asarray(pipeline[:-1].transform(table), dtype=np.float64)
    sources = np.array(column_sources(pipeline[0]))
    assert len(sources) == usual.shape[1]
    for name in RAW.columns:
        order = np.random.default_rng(1).permutation(ROWS)
        moved = np.asarray(pipeline[:-1].transform(table.assign(**{name: table[name].array.take(order)})))
        changed = ~((moved == usual) | (np.isnan(moved) & np.isnan(usual))).all(axis=0)
        assert changed.any()
        assert set(sources[changed]) == {name}


def test_every_feature_has_a_column() -> None:
    """Nothing that the model takes is without a name."""
    for features in PREPROCESSING.values():
        assert set(column_sources(fitted(features)[0][0])) == set(RAW.columns)


def test_a_step_of_another_making_is_refused() -> None:
    """Where three columns come from two features, nobody can say which is whose."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import PolynomialFeatures

    step = ColumnTransformer(
        [("mixed", PolynomialFeatures(interaction_only=True, include_bias=False), ["hour", "far"])]
    )
    with pytest.raises(UsageError, match="mixed makes 3 columns of 2 features"):
        column_sources(step.fit(RAW))
