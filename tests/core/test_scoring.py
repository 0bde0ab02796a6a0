"""From columns to scores, for one row as for many."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ratchet.core.estimators import build_pipeline
from ratchet.core.model_record import Feature
from ratchet.core.params import Features, Model
from ratchet.core.scoring import frame, score

INPUTS = [Feature(name="kind", kind="category", nullable=True), Feature(name="x", kind="number", nullable=True)]


@pytest.mark.parametrize(
    "features",
    [Features(), Features(categorical="onehot", numeric="scaled")],
    ids=["ordinal", "onehot"],
)
def test_a_row_scores_the_same_alone_as_among_others(features: Features) -> None:
    """Also where a value is missing: what is served one by one is what was evaluated together."""
    kinds: list[str | None] = ["a", "b", None] * 20
    numbers = [None if row % 7 == 0 else float(row) for row in range(60)]
    target = np.array([kind is None for kind in kinds], dtype=np.float64)
    model = Model(estimator="hist_gradient_boosting", params={"max_iter": 5, "min_samples_leaf": 2})
    pipeline = build_pipeline(INPUTS, task="binary", features=features, model=model)
    pipeline.fit(frame(INPUTS, {"kind": kinds, "x": numbers}), target)
    together = score(pipeline, "binary", frame(INPUTS, {"kind": kinds, "x": numbers}))
    alone = [
        score(pipeline, "binary", frame(INPUTS, {"kind": [kind], "x": [x]}))[0]
        for kind, x in zip(kinds, numbers, strict=True)
    ]
    np.testing.assert_array_equal(np.array(alone), together)
    assert together[2, 1] > 0.5 > together[0, 1]


@pytest.mark.parametrize("values", [["a", None, "b"], [None, None], []], ids=str)
def test_texts_of_pandas_are_taken_as_they_are(values: list[str | None]) -> None:
    """A column of texts and the same ones as objects give one table, to the types."""
    ready = pd.array(values, dtype="str")
    columns = {"x": np.zeros(len(values))}
    expected = frame(INPUTS, {"kind": np.array(values, dtype=object), **columns})
    pd.testing.assert_frame_equal(frame(INPUTS, {"kind": ready, **columns}), expected)


@pytest.mark.parametrize("values", [["a", None], [None, None], [None], ["a"]], ids=str)
def test_columns_have_one_type_whatever_is_in_them(values: list[str | None]) -> None:
    """A column of categories is text and one of numbers float64, even where every value is missing."""
    table = frame(INPUTS, {"kind": values, "x": [None] * len(values)})
    assert [str(dtype) for dtype in table.dtypes] == ["str", "float64"]
