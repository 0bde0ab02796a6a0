"""Rows that one model gets right and the other wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ratchet.core.change.records import RowChange, Rows
from ratchet.core.change.switched import Predicted, switched

MOMENTS = ["2013-07-01 10:00Z", "2013-07-02 11:00Z", "2013-07-03 12:00Z", "", "2013-07-05 14:00Z"]
KEYS = pd.DataFrame({"moment": [pd.Timestamp(text) if text else pd.NaT for text in MOMENTS], "flight": [1, 2, 3, 4, 5]})
PREDICTED = Predicted(
    target=np.array([0, 1, 2, 1, 0]),
    base=np.array([0, 1, 0, 1, 1]),
    change=np.array([1, 1, 2, 0, 2]),
    loss=np.array([0.5, 0.9, -0.7, 0.8, 0.3]),
)
LABELS = ["low", "mid", "high"]


def test_switches_are_counted_and_the_worst_are_named() -> None:
    """Two rows broke, one was mended; wrong both times is neither; the dearest comes first with its key and labels."""
    assert switched(PREDICTED, KEYS, LABELS, most=5) == Rows(
        broken=2,
        mended=1,
        worst=(
            RowChange(key={"moment": "", "flight": "4"}, actual="mid", base="mid", change="low", loss=0.8),
            RowChange(
                key={"moment": "2013-07-01 10:00:00+00:00", "flight": "1"},
                actual="low",
                base="low",
                change="mid",
                loss=0.5,
            ),
        ),
    )


def test_no_more_examples_than_asked_for() -> None:
    """The count stays whole."""
    found = switched(PREDICTED, KEYS, LABELS, most=1)
    assert (found.broken, [row.key["flight"] for row in found.worst]) == (2, ["4"])


def test_equal_costs_keep_the_order_of_the_rows() -> None:
    """Two runs name the same rows."""
    rows = 50
    same = Predicted(
        target=np.zeros(rows, dtype=np.int64),
        base=np.zeros(rows, dtype=np.int64),
        change=np.ones(rows, dtype=np.int64),
        loss=np.ones(rows),
    )
    found = switched(same, pd.DataFrame({"id": range(rows)}), ["no", "yes"], most=3)
    assert [row.key["id"] for row in found.worst] == ["0", "1", "2"]


def test_the_same_model_switches_nothing() -> None:
    """Neither broken nor mended, and no example."""
    same = Predicted(target=PREDICTED.target, base=PREDICTED.base, change=PREDICTED.base, loss=np.zeros(5))
    assert switched(same, KEYS, LABELS, most=5) == Rows(broken=0, mended=0, worst=())
