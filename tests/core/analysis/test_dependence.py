"""How predictions depend on a feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.analysis.dependence import Examined, dependences, grid_of, nearest_shares, pair_dependences
from ratchet.core.estimators import build_pipeline
from ratchet.core.feature_table import BINARY_LABELS, describe_features, model_inputs
from ratchet.core.params import Features, Model, Task

RANDOM = np.random.default_rng(2)
ROWS = 300
RAW = pd.DataFrame(
    {
        "x": RANDOM.normal(size=ROWS),
        "z": np.where(RANDOM.random(ROWS) < 0.2, np.nan, RANDOM.normal(size=ROWS)),
        "kind": RANDOM.choice(["a", "b", "c"], size=ROWS, p=[0.5, 0.3, 0.2]),
        "empty": np.nan,
    }
)
INPUTS = describe_features(RAW)
TABLE = model_inputs(RAW, INPUTS)
SUM = 3 * RAW["x"] + RAW["z"].fillna(0) + RAW["kind"].map({"a": 0, "b": 5, "c": -5})


def examined(task: Task, target: Any, estimator: str, shown: list[str], **params: Any) -> Examined:
    """A pipeline fitted to the table."""
    features = Features.model_validate({"categorical": "onehot", "numeric": "passthrough"})
    model = Model(estimator=estimator, params=params)
    pipeline = build_pipeline(INPUTS, task=task, features=features, model=model).fit(TABLE, target)
    labels = [] if task == "regression" else BINARY_LABELS if task == "binary" else sorted(set(map(str, target)))
    return Examined(pipeline=pipeline, task=task, inputs=INPUTS, table=TABLE, labels=labels, shown=shown)


LINEAR = examined("regression", SUM, "ridge", [], alpha=1e-6)


def test_the_dependence_of_a_linear_model_is_its_line() -> None:
    """The average and every single row rise by the coefficient, whatever else is in the row."""
    (found,) = dependences(LINEAR, "x")
    steps = np.diff(found.grid)
    assert np.diff(found.average) / steps == pytest.approx(np.full(len(steps), 3.0), rel=1e-3)
    for line in found.single:
        assert np.diff(line) / steps == pytest.approx(np.full(len(steps), 3.0), rel=1e-3)
    assert found.missing is None


def test_categories_differ_by_their_coefficients_the_commonest_first() -> None:
    """Each value of a category is on the axis, with its share of rows."""
    (found,) = dependences(LINEAR, "kind")
    assert (found.kind, found.grid, found.left_out) == ("category", ("a", "b", "c"), 0)
    assert np.array(found.average) - found.average[0] == pytest.approx([0, 5, -5], abs=0.02)
    assert found.shares == pytest.approx(tuple(RAW["kind"].value_counts(normalize=True)))


def test_what_is_missing_has_a_value_of_its_own() -> None:
    """Where a feature may be missing, the average says what is then predicted: what the pipeline fills in."""
    (found,) = dependences(LINEAR, "z")
    blank = TABLE.assign(z=np.nan)
    assert found.missing == pytest.approx(float(LINEAR.pipeline.predict(blank).mean()))
    assert all(np.isfinite(found.average))


def test_a_feature_without_any_value_has_no_dependence() -> None:
    """There is no axis to draw it on."""
    assert list(dependences(LINEAR, "empty")) == []
    assert list(pair_dependences(LINEAR, "x", "empty")) == []


def test_two_features_of_a_linear_model_add_up() -> None:
    """The table of a pair is the sum of two lines: nothing works together in it."""
    (found,) = pair_dependences(LINEAR, "x", "kind")
    table = np.array(found.average)
    assert table.shape == (len(found.grids[0]), len(found.grids[1]))
    assert table - table[:, :1] == pytest.approx(np.tile(table[0] - table[0, 0], (len(table), 1)), abs=1e-9)


def test_a_binary_model_is_asked_for_its_second_class() -> None:
    """The axis is the probability of the positive, which rises with what makes it likelier."""
    model = examined("binary", (SUM > 0).astype(int), "logistic_regression", BINARY_LABELS[1:])
    (found,) = dependences(model, "x")
    assert found.label == "true"
    assert found.average[-1] - found.average[0] > 0.4
    assert len(found.single) > 1


def test_several_classes_have_a_line_each() -> None:
    """Only those that are asked for, each under its name; single rows would be too many lines."""
    target = np.digitize(SUM, [-2, 2])
    model = examined("multiclass", target, "logistic_regression", ["2", "0"])
    found = list(dependences(model, "x"))
    assert [each.label for each in found] == ["2", "0"]
    assert [each.average[-1] > each.average[0] for each in found] == [True, False]
    assert [each.single for each in found] == [(), ()]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=60), st.integers(2, 30))
def test_an_axis_of_numbers_lies_within_them_and_every_row_is_nearest_to_one_point(
    values: list[float], most: int
) -> None:
    """It ascends, is no longer than asked, and the shares of rows sum to 1."""
    column = pd.Series(values, dtype=np.float64)
    grid = grid_of(column, "number", most=most)
    present = column.dropna()
    assert (len(grid) == 0) == present.empty
    if grid:
        assert len(grid) <= most
        numbers = [float(each) for each in grid]
        assert numbers == sorted(set(numbers))
        assert present.min() <= numbers[0] <= numbers[-1] <= present.max()
        assert sum(nearest_shares(column, grid)) == pytest.approx(1.0)


def test_rarer_categories_are_counted() -> None:
    """What an axis has no room for is said."""
    assert grid_of(pd.Series(["a", "b", "b", "c"]), "category", most=2) == ("b", "a")
