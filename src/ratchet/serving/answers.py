"""How scores are told: in this server's words, and in MLflow's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ratchet.core.model_record import ModelRecord

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores


BOOLEANS: Mapping[str, bool | str] = {"false": False, "true": True}
"""Labels that JSON has a word for."""


def predictions(record: ModelRecord, scores: Scores) -> list[dict[str, Any]]:
    """One object per row: a probability and a label, a probability per label, or a value."""
    if record.task == "regression":
        return [{"value": value} for value in scores[:, 0].tolist()]
    if record.task == "binary":
        no, yes = (BOOLEANS.get(label, label) for label in record.labels)
        return [
            {"probability": chance, "label": yes if chance >= record.threshold else no}
            for chance in scores[:, 1].tolist()
        ]
    likeliest = scores.argmax(axis=1).tolist()
    return [
        {"label": record.labels[best], "probabilities": dict(zip(record.labels, row, strict=True))}
        for best, row in zip(likeliest, scores.tolist(), strict=True)
    ]


def mlflow_predictions(record: ModelRecord, scores: Scores) -> list[float] | list[list[float]]:
    """What MLflow's scoring server says: the rows of `predict_proba`, or the values of `predict`."""
    answer: list[float] | list[list[float]] = (scores[:, 0] if record.task == "regression" else scores).tolist()
    return answer
