"""From columns to scores: the same two steps in evaluation and in the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ratchet.core.model_record import Feature, ModelRecord
from ratchet.core.params import Task

if TYPE_CHECKING:
    import pandas as pd

    Column = Sequence[object] | NDArray[Any] | pd.api.extensions.ExtensionArray

Scores = NDArray[np.float64]
"""(n, k) probabilities in the order of the record's labels, or (n, 1) values for regression."""


class Predictor(Protocol):
    """What a fitted scikit-learn pipeline offers."""

    def predict(self, table: pd.DataFrame, /) -> NDArray[np.float64]:
        """One value per row."""
        ...

    def predict_proba(self, table: pd.DataFrame, /) -> NDArray[np.float64]:
        """One probability per row and class."""
        ...


def frame(inputs: Sequence[Feature], columns: Mapping[str, Column]) -> pd.DataFrame:
    """The model's input table from one sequence (or array of pandas) per feature, in the order of `inputs`.

    Numbers become float64 and categories text, with NaN for what is missing, whatever else is in the column: to an
    encoder None and NaN are two things, and a row must score the same alone as among others.
    """
    import pandas as pd

    return pd.DataFrame({feature.name: _column(feature.kind, columns[feature.name]) for feature in inputs})


def _column(kind: str, values: Column) -> NDArray[Any] | pd.api.extensions.ExtensionArray:
    import pandas as pd

    if kind == "number":
        # A column of numbers needs no look at each value, which would cost more than the binning of the trees.
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            return values.astype(np.float64)
        return np.asarray(pd.to_numeric(np.array(values, dtype=object)), dtype=np.float64)
    if isinstance(values, pd.api.extensions.ExtensionArray) and str(values.dtype) == "str":
        return values
    texts = np.array(values, dtype=object)
    texts[pd.isna(texts)] = None
    return pd.array(texts, dtype="str")


def score(pipeline: Predictor, task: Task, table: pd.DataFrame) -> Scores:
    """Score each row of `table` (from `frame`)."""
    if task == "regression":
        return np.asarray(pipeline.predict(table), dtype=np.float64).reshape(-1, 1)
    return np.asarray(pipeline.predict_proba(table), dtype=np.float64)


def baseline_scores(record: ModelRecord, rows: int) -> Scores:
    """What a constant predictor that knows only the training target would say, for `rows` rows."""
    return np.tile(np.asarray(record.baseline, dtype=np.float64), (rows, 1))
