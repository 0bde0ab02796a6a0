"""The contract of feature tables: what a room's functions must return, and what the model sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype

from ratchet.core.label_columns import CLUSTER as CLUSTER  # noqa: PLC0414 - part of this contract
from ratchet.core.label_columns import TARGET as TARGET  # noqa: PLC0414
from ratchet.core.model_record import Feature
from ratchet.core.params import Task
from ratchet.core.scoring import frame
from ratchet.errors import DataRefused, UsageError

BINARY_LABELS = ["false", "true"]


@dataclass(frozen=True)
class LabelledBatch:
    """One batch's features and labels, rows in the same order.

    `kept` says of each row of the batch whether it is among them; None: all are.
    """

    features: pd.DataFrame
    labels: pd.DataFrame
    kept: NDArray[np.bool_] | None = None


def check_features(features: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return what `build` returned if `require_features` lets it pass, texts as plain objects."""
    require_features(features, rows)
    return features.assign(
        **{name: features[name].astype(object) for name in features.columns if _is_text(features[name])}
    )


def require_features(features: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Raises UsageError unless `build` returned one row per row of the batch and only numbers and texts.

    It names the column, since the fault is in the room's `features.py`.
    """
    if not isinstance(features, pd.DataFrame) or not features.index.equals(rows.index):
        raise _fault("build must return a data frame with the index of the rows it was given: one row per row")
    if features.columns.has_duplicates or features.shape[1] == 0:
        raise _fault("build must return at least one column, each with a name of its own")
    for name in features.columns:
        if not (is_numeric_dtype(features[name]) or _is_text(features[name])):
            raise _fault(f"build returned {name} as {features[name].dtype}: features are numbers or texts")


def without_categories(features: pd.DataFrame) -> pd.DataFrame:
    """The same features with categories as plain texts: all texts of a column are written in one way."""
    coded = [name for name in features.columns if isinstance(features[name].dtype, pd.CategoricalDtype)]
    return features.assign(**{name: features[name].astype(object) for name in coded}) if coded else features


ENOUGH = 20
"""Rows from which on a feature without any value is no accident."""
LARGEST = 1e150
"""Squares of larger numbers are infinite in floating point, and with them every mean and variance of squares."""


def require_values(features: pd.DataFrame, labels: pd.DataFrame, *, batch: str) -> None:
    """Raises DataRefused if a feature of a batch has no value in any row, or if a number is infinite or beyond LARGEST.

    Sources may be whole while what was joined from them found nothing; and no estimator learns from what is infinite.
    """
    for name in features.columns:
        values = features[name]
        if len(values) >= ENOUGH and values.head(ENOUGH).isna().all() and values.isna().all():
            raise DataRefused(
                f"batch {batch}: feature {name} is missing in every row: a join of features.py found nothing",
                next_step="compare the keys on both sides, such as their time zones and spellings, or drop the feature",
            )
    for what, values in (*features.items(), ("the target", labels[TARGET])):
        if not is_numeric_dtype(values) or is_bool_dtype(values) or not len(values):
            continue
        numbers = values.to_numpy(np.float64)
        size = max(np.fmax.reduce(numbers), -np.fmin.reduce(numbers))
        if size > LARGEST:
            how = "infinite" if np.isinf(size) else f"beyond {LARGEST:g}, too large to be squared,"
            raise DataRefused(
                f"batch {batch}: {what} is {how} in some rows", next_step="see what features.py divides by there"
            )


def check_labels(target: pd.Series, rows: pd.DataFrame, task: Task) -> pd.Series:
    """Return what `label` returned if it has one label per row and fits the task.

    Raises UsageError if it does not, DataRefused if no row of the batch has a label.
    """
    if not isinstance(target, pd.Series) or not target.index.equals(rows.index):
        raise _fault("label must return a series with the index of the rows it was given: one label per row")
    fits = {"binary": is_bool_dtype(target), "multiclass": _is_text(target), "regression": is_numeric_dtype(target)}
    if not fits[task]:
        raise _fault(f"label returned {target.dtype}, and task is {task}: return booleans, texts or numbers for it")
    if not target.notna().any():
        raise DataRefused(
            "the target is absent: no row of the batch has a label",
            next_step="wait until labels have come in, or mend label() in the room's features.py",
        )
    return target


def describe_features(features: pd.DataFrame) -> list[Feature]:
    """The model's inputs, from the features it is trained on."""
    return [_described(str(name), features[name]) for name in features.columns]


def _described(name: str, values: pd.Series) -> Feature:
    absent, text = values.isna().to_numpy(), _is_text(values)
    first = None if absent.all() else values.iloc[int(absent.argmin())]
    return Feature(
        name=name,
        kind="category" if text else "number",
        nullable=bool(absent.any()),
        example=None if first is None else str(first) if text else float(first),
    )


def labels_of(target: pd.Series, task: Task) -> list[str]:
    """The classes in the order of the score columns; none for regression."""
    if task == "regression":
        return []
    return BINARY_LABELS if task == "binary" else sorted(map(str, target.unique()))


def encode_target(target: pd.Series, labels: Sequence[str], task: Task) -> NDArray[np.int64] | NDArray[np.float64]:
    """Class indices in the order of `labels`, or values. Raises DataRefused for a class the model does not know."""
    if task == "regression":
        return target.to_numpy(dtype=np.float64)
    if task == "binary":
        return target.to_numpy(dtype=bool).astype(np.int64)
    index = {label: position for position, label in enumerate(labels)}
    unknown = sorted(set(map(str, target)) - set(labels))
    if unknown:
        raise DataRefused(
            f"the target has classes that training did not: {', '.join(unknown[:5])}",
            next_step="let a batch with these classes train first, or mend the labels",
        )
    return np.array([index[str(value)] for value in target], dtype=np.int64)


def known_labels(target: pd.Series, labels: Sequence[str], task: Task) -> NDArray[np.bool_]:
    """For each row, whether `encode_target` takes its class."""
    if task != "multiclass":
        return np.ones(len(target), dtype=np.bool_)
    return target.astype(str).isin(labels).to_numpy(dtype=np.bool_)


def model_inputs(features: pd.DataFrame, inputs: Sequence[Feature]) -> pd.DataFrame:
    """The model's input table from a table of features. Raises DataRefused if a feature is not there."""
    missing = [feature.name for feature in inputs if feature.name not in features.columns]
    if missing:
        raise DataRefused(
            f"the features {', '.join(missing)} are not there, and the model needs them",
            next_step="keep them in build() of the room's features.py, or train again",
        )
    return frame(inputs, {feature.name: _values(features[feature.name]) for feature in inputs})


def _values(column: pd.Series) -> NDArray[Any] | pd.api.extensions.ExtensionArray:
    """Texts as pandas keeps them: to make Python's out of them, and back, would cost more than to score the rows."""
    return column.array if column.dtype == "str" else column.to_numpy()


def _is_text(values: pd.Series) -> bool:
    return bool(is_string_dtype(values) or values.dtype == object or isinstance(values.dtype, pd.CategoricalDtype))


def _fault(message: str) -> UsageError:
    return UsageError(f"features.py: {message}", next_step="docs/your-own-data.md shows the contract")
