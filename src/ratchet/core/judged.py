"""The held-out rows with every model's scores: what evaluation hands to the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.evaluation import MetricRow
from ratchet.core.feature_table import CLUSTER, TARGET
from ratchet.core.findings import Finite
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.metrics import Target
from ratchet.core.params import Task
from ratchet.core.scoring import Scores

if TYPE_CHECKING:
    import pandas as pd

CHALLENGER: Final = "challenger"
CHAMPION: Final = "champion"
BASELINE: Final = "baseline"


class Evaluation(Finite):
    """`evaluation.json`: who was compared with whom, on which batches, and what was measured."""

    task: Task
    labels: list[str]
    reference: Literal["champion", "baseline"]
    champion: int | None
    champion_entry: str | None
    challenger_is_champion: bool
    refit: bool
    no_comparison: str
    holdout: dict[str, str]
    contaminated: list[str]
    rows: int
    clusters: int | None
    metrics: list[MetricRow]
    leakage: LeakageCheck | None = None


def predictions_table(labels: pd.DataFrame, target: Target, models: Mapping[str, Scores]) -> pd.DataFrame:
    """One row per held-out row: key, cluster, encoded target, and one column per model and score."""
    columns = {
        f"{model}.{index}": scores[:, index] for model, scores in models.items() for index in range(scores.shape[1])
    }
    return labels.drop(columns=TARGET).assign(**{TARGET: target}, **columns)


def scores_of(predictions: pd.DataFrame, model: str) -> Scores | None:
    """One model's scores from the table of predictions, or None if it has none."""
    names = [name for name in predictions.columns if name.rpartition(".")[0] == model]
    return predictions[names].to_numpy(dtype=np.float64) if names else None


def clusters_of(predictions: pd.DataFrame) -> NDArray[np.object_] | None:
    """Each row's cluster, or None where rows are said to be independent."""
    names = predictions[CLUSTER]
    return None if names.isna().all() else names.to_numpy(dtype=object)
