"""What a room's functions must return, and what the model sees of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ratchet.core.feature_table import (
    check_features,
    check_labels,
    describe_features,
    encode_target,
    labels_of,
    model_inputs,
)
from ratchet.core.model_record import Feature
from ratchet.core.params import Task
from ratchet.errors import DataRefused, UsageError

ROWS = pd.DataFrame({"id": [1, 2, 3]}, index=[10, 11, 12])


def features(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, None, 3.0], "kind": ["a", None, "b"], **columns}, index=ROWS.index)


def labels(values: list[Any], dtype: str) -> pd.Series:
    return pd.Series(values, index=ROWS.index, dtype=dtype)


def test_numbers_and_texts_are_features() -> None:
    """Both pass, and text is plain objects whatever it was."""
    found = check_features(
        features(group=pd.Categorical(["a", "b", "a"]), whole=[1, 2, 3], flag=[True, False, True]), ROWS
    )
    assert [str(dtype) for dtype in found.dtypes] == ["float64", "object", "object", "int64", "bool"]
    assert found.index.equals(ROWS.index)


TWINS = pd.DataFrame([[1, 2]] * 3, columns=["x", "x"], index=ROWS.index)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "build must return a data frame with the index of the rows"),
        ([[1]] * 3, "build must return a data frame with the index of the rows"),
        (features().head(2), "build must return a data frame with the index of the rows"),
        (features().iloc[::-1], "build must return a data frame with the index of the rows"),
        (features().reset_index(drop=True), "build must return a data frame with the index of the rows"),
        (ROWS[[]], "build must return at least one column, each with a name of its own"),
        (TWINS, "build must return at least one column, each with a name of its own"),
        (features(when=pd.Timestamp("2013-07-04")), "build returned when as datetime64"),
        (features(took=pd.Timedelta("1h")), "build returned took as timedelta64"),
    ],
    ids=["nothing", "list", "fewer", "order", "index", "no column", "same name", "moment", "duration"],
)
def test_what_build_may_not_return_is_refused(returned: Any, message: str) -> None:
    """The fault is in the room: its file and function are named, and the column where there is one."""
    with pytest.raises(UsageError, match=f"^features.py: {message}"):
        check_features(returned, ROWS)


@pytest.mark.parametrize(
    ("returned", "task"),
    [
        (labels([True, None, False], "boolean"), "binary"),
        (labels([True, True, False], "bool"), "binary"),
        (labels(["a", None, "b"], "object"), "multiclass"),
        (labels([1.5, None, 2.5], "float64"), "regression"),
    ],
)
def test_labels_of_the_tasks_kind_pass(returned: pd.Series, task: Task) -> None:
    """Booleans, texts or numbers; some may be missing."""
    assert check_labels(returned, ROWS, task) is returned


@pytest.mark.parametrize(
    ("returned", "task", "message"),
    [
        (labels([0, 1, 1], "int64"), "binary", "label returned int64, and task is binary"),
        (labels(["a", "b", "c"], "object"), "regression", "label returned object, and task is regression"),
        (labels([1.0, 2.0, 3.0], "float64"), "multiclass", "label returned float64, and task is multiclass"),
        (labels([1.0, 2.0, 3.0], "float64").head(2), "regression", "label must return a series with the index"),
        (ROWS, "regression", "label must return a series with the index"),
    ],
)
def test_what_label_may_not_return_is_refused(returned: Any, task: Task, message: str) -> None:
    """The fault is in the room: its function is named, and what it returned."""
    with pytest.raises(UsageError, match=f"^features.py: {message}"):
        check_labels(returned, ROWS, task)


@pytest.mark.parametrize(
    ("dtype", "task"), [("boolean", "binary"), ("float64", "regression"), ("object", "multiclass")]
)
def test_an_absent_target_is_refused(dtype: str, task: Task) -> None:
    """Where no row has a label, nothing can be learnt or judged, and that is the data's fault."""
    with pytest.raises(DataRefused, match="the target is absent: no row of the batch has a label"):
        check_labels(labels([None, None, None], dtype), ROWS, task)


def test_inputs_are_described_from_what_was_seen() -> None:
    """Kind, whether values were missing, and the first value that was there."""
    described = describe_features(check_features(features(empty=[np.nan] * 3), ROWS))
    assert described == [
        Feature(name="x", kind="number", nullable=True, example=1.0),
        Feature(name="kind", kind="category", nullable=True, example="a"),
        Feature(name="empty", kind="number", nullable=True, example=None),
    ]


@pytest.mark.parametrize(
    ("values", "task", "names", "encoded"),
    [
        (pd.Series([True, False]), "binary", ["false", "true"], [1, 0]),
        (pd.Series(["b", "a", "b"]), "multiclass", ["a", "b"], [1, 0, 1]),
        (pd.Series([1.5, 2.5]), "regression", [], [1.5, 2.5]),
    ],
)
def test_targets_are_encoded_in_the_order_of_their_labels(
    values: pd.Series, task: Task, names: list[str], encoded: list[float]
) -> None:
    """Column i of the scores is label i."""
    assert labels_of(values, task) == names
    assert encode_target(values, names, task).tolist() == encoded


def test_a_class_that_training_did_not_have_is_refused() -> None:
    """The class is named: no score column stands for it."""
    with pytest.raises(DataRefused, match="the target has classes that training did not: z"):
        encode_target(pd.Series(["a", "z"]), ["a", "b"], "multiclass")


def test_the_model_sees_its_inputs_in_their_order() -> None:
    """More columns than it knows are left out, numbers are floats, and what is missing stays missing."""
    inputs = [
        Feature(name="kind", kind="category", nullable=True),
        Feature(name="x", kind="number", nullable=True),
    ]
    table = model_inputs(features(more=[1, 2, 3]), inputs)
    assert list(table.columns) == ["kind", "x"]
    assert table["x"].dtype == np.dtype(np.float64)
    assert table["kind"].fillna("missing").tolist() == ["a", "missing", "b"]
    assert table["x"].fillna(-1).tolist() == [1.0, -1.0, 3.0]


def test_a_feature_that_is_not_there_is_refused() -> None:
    """The features that the model needs and does not get are named."""
    inputs = [Feature(name=name, kind="number", nullable=False) for name in ("x", "y", "z")]
    with pytest.raises(DataRefused, match="the features y, z are not there"):
        model_inputs(features(), inputs)
