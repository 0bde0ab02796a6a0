"""The rows that are looked at with every model's scores, and what was measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ratchet.core.clusters import missing
from ratchet.core.decision import BASELINE as BASELINE  # noqa: PLC0414 - part of this file's names
from ratchet.core.decision import CHALLENGER as CHALLENGER  # noqa: PLC0414
from ratchet.core.decision import CHAMPION as CHAMPION  # noqa: PLC0414
from ratchet.core.findings import Finite, MetricRow
from ratchet.core.label_columns import CLUSTER, TARGET
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.looked_at import OPEN, LookedAt
from ratchet.core.metrics import Target
from ratchet.core.params import Task
from ratchet.core.scoring import Scores

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Evaluation(Finite):
    """`evaluation.json`: who was compared with whom, on which rows, and what was measured.

    `holdout` are the batches that judge, `contaminated` those that a model was trained on. Everything that was measured
    is of the rows `looked_at`, which are others where the policy seals those that judge.
    """

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
    looked_at: LookedAt | None = Field(default=None, description="None in evaluations of before: those that judge")

    def is_of(self, rows: LookedAt) -> bool:
        """Whether it was made of the rows that are to be looked at now."""
        shown = self.looked_at
        if shown and (shown.kind, shown.batches, shown.rows) != (rows.kind, rows.batches, rows.rows):
            return False
        return rows.kind == OPEN or self.holdout == rows.batches


def predictions_table(labels: pd.DataFrame, target: Target, models: Mapping[str, Scores]) -> pd.DataFrame:
    """One row per held-out row: key, cluster, encoded target, and one column per model and score."""
    columns = {
        f"{model}.{index}": scores[:, index] for model, scores in models.items() for index in range(scores.shape[1])
    }
    return labels.drop(columns=TARGET).assign(**{TARGET: target}, **columns)


def scores_of(predictions: pa.Table, model: str) -> Scores | None:
    """One model's scores from the table of predictions as it was written, or None if it has none."""
    names = [name for name in predictions.column_names if name.rpartition(".")[0] == model]
    return np.column_stack([numbers_of(predictions, name) for name in names]).astype(np.float64) if names else None


def numbers_of(predictions: pa.Table, column: str) -> NDArray[Any]:
    """A column of numbers, NaN where one is missing; by way of DLPack, as Arrow's own way to numpy loads pandas."""
    values = predictions.column(column).combine_chunks()
    return np.from_dlpack(values.fill_null(np.nan) if values.null_count else values)


def clusters_of(labels: pd.DataFrame | pa.Table) -> NDArray[np.object_] | None:
    """Each row's cluster, of labels or predictions, or None where rows are said to be independent."""
    column = labels[CLUSTER]
    names = np.array(column.to_pylist() if hasattr(column, "to_pylist") else column, dtype=object)
    return None if missing(names) == len(names) else names
