"""Whether two models may be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ratchet.core.change.comparable import require_comparable, require_finite
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Model, Project
from ratchet.errors import DataRefused

HOLDOUT = {"2013-03": "c" * 64, "2013-04": "d" * 64}


def record(*, room: str = "flights", **changes: Any) -> ModelRecord:
    """A binary model that was trained on two months before the held-out ones."""
    usual: dict[str, Any] = {
        "task": "binary",
        "target": "late",
        "features": [Feature(name="x", kind="number", nullable=False)],
        "labels": ["false", "true"],
        "baseline": [0.7, 0.3],
        "threshold": 0.5,
        "recipe": Recipe(
            project=Project(name="late", room=room, task="binary", target="late"),
            features=Features(),
            model=Model(estimator="hist_gradient_boosting"),
        ),
        "trained_on": {"2013-01": "a" * 64, "2013-02": "b" * 64},
        "rows": 100,
        "model_digest": "e" * 64,
        "libraries": {},
    }
    return ModelRecord(**{**usual, **changes})


def test_a_model_of_older_batches_is_comparable() -> None:
    """Other training data, features and parameters are what a change is about."""
    require_comparable(record(trained_on={"2013-01": "a" * 64}, rows=50), record(), HOLDOUT)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        (
            record(task="regression", labels=[], baseline=[0.3]),
            r"predicts regression, this change binary \(false, true\)",
        ),
        (record(task="multiclass", labels=["a", "b"]), r"predicts multiclass \(a, b\), this change binary"),
        (record(labels=["true", "false"]), "their losses cannot be compared"),
        (record(trained_on={"2013-03": "x" * 64}), "was trained on 2013-03, which is held out"),
        (record(trained_on={"earlier": "d" * 64}), "was trained on 2013-04, which is held out"),
        (record(room="trains"), "room is src/trains, this change's is src/flights"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(base: ModelRecord, reason: str) -> None:
    """Another task, other classes, rows it has seen by name or by content, another room."""
    with pytest.raises(DataRefused, match=reason):
        require_comparable(base, record(), HOLDOUT)


def test_a_change_that_saw_the_rows_is_refused_too() -> None:
    """The same batch under another name gives the answers away on either side."""
    with pytest.raises(DataRefused, match="this change's model was trained on 2013-04"):
        require_comparable(record(), record(trained_on={"copy": "d" * 64}), HOLDOUT)


def test_a_loss_that_is_no_number_is_counted_and_refused() -> None:
    """Not a number and infinity make every mean meaningless; ordinary losses pass through."""
    losses = np.array([0.1, np.nan, np.inf, 0.2])
    with pytest.raises(DataRefused, match="log_loss of the base's model is not finite on 2 of the 4 rows"):
        require_finite(losses, "log_loss of the base's model")
    assert require_finite(losses[::3], "log_loss").tolist() == [0.1, 0.2]
