"""Rows that one model gets right and the other wrong, counted, and those that got worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.change.records import RowChange, Rows


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """(n,) class indices: what happened and what each model said; `loss` is the change's less the base's."""

    target: NDArray[np.int64]
    base: NDArray[np.int64]
    change: NDArray[np.int64]
    loss: NDArray[np.float64]


def switched(predicted: Predicted, keys: pd.DataFrame, labels: Sequence[str], *, most: int) -> Rows:
    """Count the switches, and show at most `most` rows that were right and are wrong, by what they cost more.

    `keys` has one row per row: the columns that name it.
    """
    right, still = predicted.base == predicted.target, predicted.change == predicted.target
    broken = np.flatnonzero(right & ~still)
    worst = broken[np.argsort(-predicted.loss[broken], kind="stable")][:most]
    return Rows(
        broken=len(broken),
        mended=int(np.sum(~right & still)),
        worst=tuple(_row(predicted, keys, labels, int(row)) for row in worst),
    )


def _row(predicted: Predicted, keys: pd.DataFrame, labels: Sequence[str], row: int) -> RowChange:
    return RowChange(
        key={str(name): _text(keys[name].iloc[row]) for name in keys.columns},
        actual=labels[predicted.target[row]],
        base=labels[predicted.base[row]],
        change=labels[predicted.change[row]],
        loss=float(predicted.loss[row]),
    )


def _text(value: object) -> str:
    """A key's value; empty where it is missing."""
    return "" if bool(pd.isna(value)) else str(value)  # type: ignore[call-overload] # a cell, whatever its type
