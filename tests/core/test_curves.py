"""The points behind the pictures."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import auc, roc_auc_score

from ratchet.core.curves import POINTS, confusion, curves, predicted_labels

RANDOM = np.random.default_rng(3)
TARGET = (RANDOM.random(4000) < 0.3).astype(np.int64)
POSITIVE = np.clip(0.3 * TARGET + 0.7 * RANDOM.random(4000), 0, 1)
SCORES = np.column_stack([1 - POSITIVE, POSITIVE])


def test_a_thinned_curve_keeps_its_ends_and_its_area() -> None:
    """However many rows there are, a curve has few points and tells the same."""
    roc = curves("binary", TARGET, SCORES)["roc"]
    assert len(roc) <= POINTS
    assert (roc.iloc[0].tolist(), roc.iloc[-1].tolist()) == ([0.0, 0.0], [1.0, 1.0])
    area = auc(roc["false_positive_rate"], roc["true_positive_rate"])
    np.testing.assert_allclose(area, roc_auc_score(TARGET, POSITIVE), atol=0.005)


def test_calibration_counts_every_row_once() -> None:
    """The bins of the calibration curve hold all rows between them."""
    assert curves("binary", TARGET, SCORES)["calibration"]["rows"].sum() == len(TARGET)


def test_there_are_no_curves_where_they_mean_nothing() -> None:
    """Other tasks, and rows of one class, have none."""
    assert curves("regression", POSITIVE, POSITIVE[:, None]) == {}
    assert curves("binary", np.zeros(4000, dtype=np.int64), SCORES) == {}


def test_a_probability_at_the_threshold_is_positive() -> None:
    """Binary labels compare with the threshold, others take the likeliest class."""
    scores = np.array([[0.6, 0.4], [0.5, 0.5], [0.4, 0.6]])
    assert predicted_labels(scores, "binary", 0.5).tolist() == [0, 1, 1]
    assert predicted_labels(np.array([[0.2, 0.5, 0.3]]), "multiclass", 0.5).tolist() == [1]


def test_the_confusion_matrix_has_a_row_for_each_actual_class() -> None:
    """Rows are actual, columns predicted, and a class that never occurs has zeros."""
    counts = confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), ["no", "yes", "never"])
    assert counts.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
