"""Explanations of single rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ratchet.core.analysis.explanation import RowName, TakenApart, explain
from ratchet.core.analysis.parts import Parts, predictions
from ratchet.core.analysis.tables import contribution_rows
from ratchet.core.analysis.words import predicted

TABLE = pd.DataFrame({"x": [1.5, np.nan], "kind": pd.array(["a", None], dtype="str"), "y": [0.0, 0.0]})
SOURCES = ["x", "kind", "kind", "y"]


def apart(classes: int) -> TakenApart:
    """Two rows; the second one speaks for the last class."""
    amounts = np.zeros((2, 4, classes))
    amounts[0, :, 0] = [0.2, 0.3, 0.4, 0.0]
    amounts[1, :, -1] = [2.0, -0.5, 0.0, -1.0]
    base = np.linspace(0.0, 0.1, classes)
    margins = base + amounts.sum(axis=1)
    return TakenApart(
        names=[RowName("row 1"), RowName("k", batch="b", trained_on=True)],
        table=TABLE,
        sources=SOURCES,
        parts=Parts(base=base, amounts=amounts),
        margins=margins,
        unit="score" if classes > 1 else "target",
        scores=predictions(margins, "score" if classes > 1 else "target"),
    )


def test_a_regression_is_explained_in_its_own_unit() -> None:
    """Features stand by size with their values; columns of one are summed; what is missing is None."""
    one, two = explain(apart(1), [])
    assert [(each.feature, each.value, each.amount) for each in one.contributions] == [
        ("kind", "a", pytest.approx(0.7)),
        ("x", 1.5, 0.2),
        ("y", 0.0, 0.0),
    ]
    assert one.prediction == one.margin == pytest.approx(one.base + 0.9)
    assert [(each.feature, each.value) for each in two.contributions] == [("x", None), ("y", 0.0), ("kind", None)]
    assert (two.batch, two.trained_on, two.label) == ("b", True, "")
    assert predicted(one) == "0.9000, on average 0.0000"


def test_the_likeliest_of_several_classes_is_explained_unless_one_is_named() -> None:
    """Each row has its own; of two classes it is always the second, the positive."""
    labels = ["a", "b", "c"]
    assert [each.label for each in explain(apart(3), labels)] == ["a", "c"]
    assert [each.label for each in explain(apart(3), labels, "b")] == ["b", "b"]
    assert [each.label for each in explain(apart(2), labels[:2])] == ["b", "b"]


def test_what_is_not_listed_is_summed() -> None:
    """The rows of a table add up to the difference from the average row."""
    one, _ = explain(apart(1), [])
    rows = contribution_rows(one, most=1)
    assert rows == [("kind", "a", "+0.7000"), ("2 others", "", "+0.2000")]
