"""The points behind the pictures: what a person looks at to see how a model fails."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.metrics import Target, reliability
from ratchet.core.params import Task
from ratchet.core.scoring import Scores

POINTS = 200
"""Points kept of a curve: more than a picture shows, and a file stays small however many rows there are."""


def curves(task: Task, target: Target, scores: Scores) -> dict[str, pd.DataFrame]:
    """Named tables of points: roc, precision_recall and calibration for binary; none for other tasks."""
    if task != "binary" or len(np.unique(target)) < 2:
        return {}
    from sklearn.metrics import precision_recall_curve, roc_curve

    false_positive, true_positive, _ = roc_curve(target, scores[:, 1])
    precision, recall, _ = precision_recall_curve(target, scores[:, 1])
    bins = reliability(target, scores)
    return {
        "roc": _thinned({"false_positive_rate": false_positive, "true_positive_rate": true_positive}),
        "precision_recall": _thinned({"recall": recall[::-1], "precision": precision[::-1]}),
        "calibration": pd.DataFrame({"predicted": bins.predicted, "observed": bins.observed, "rows": bins.count}),
    }


def predicted_labels(scores: Scores, task: Task, threshold: float) -> NDArray[np.int64]:
    """The class index of each row: the likeliest class, or for binary whether the probability reaches the threshold."""
    if task == "binary":
        return np.asarray(scores[:, 1] >= threshold, dtype=np.int64)
    return np.asarray(scores.argmax(axis=1), dtype=np.int64)


def confusion(target: Target, predicted: NDArray[np.int64], labels: list[str]) -> pd.DataFrame:
    """Counts: one row per actual class, one column per predicted class."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(target, predicted, labels=range(len(labels)))
    return pd.DataFrame(counts, index=labels, columns=labels)


def classification_report(target: Target, predicted: NDArray[np.int64], labels: list[str]) -> str:
    """Precision, recall, F1 and rows per class, as text."""
    from sklearn.metrics import classification_report as report

    text: str = report(target, predicted, labels=range(len(labels)), target_names=labels, digits=4, zero_division=0)
    return text


def _thinned(columns: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    """At most POINTS points, evenly spaced along the first column, ends kept."""
    x, y = columns.values()
    if len(x) <= POINTS:
        return pd.DataFrame(columns)
    picks = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], POINTS)).clip(0, len(x) - 1))
    return pd.DataFrame(dict(zip(columns, (x[picks], y[picks]), strict=True)))
