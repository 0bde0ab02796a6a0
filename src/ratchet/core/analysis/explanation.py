"""Contributions of columns as an explanation of single rows, by feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.analysis.parts import Parts, by_feature, predictions, require_whole
from ratchet.core.analysis.records import Contribution, Explanation, Unit
from ratchet.core.scoring import Scores


@dataclass(frozen=True)
class RowName:
    """What a row is called, where it is from, and whether the model has learned from it."""

    row: str
    batch: str = ""
    trained_on: bool = False


@dataclass(frozen=True, kw_only=True)
class TakenApart:
    """Rows with their parts: the input table, the parts and margins of each class, and the pipeline's own scores."""

    names: Sequence[RowName]
    table: pd.DataFrame
    sources: list[str]
    parts: Parts
    margins: NDArray[np.float64]
    unit: Unit
    scores: Scores


def explain(rows: TakenApart, labels: Sequence[str], label: str = "") -> Iterator[Explanation]:
    """Each row: of class `label`, or of the second of two classes, or of its likeliest class.

    Features that a row owes nothing to stand last. Raises ServiceFailed if what is added up is not the prediction.
    """
    require_whole(rows.parts, rows.margins, rows.unit, rows.scores)
    amounts = by_feature(rows.parts, rows.sources)
    base = predictions(rows.parts.base[None, :], rows.unit)[0]
    for place, name in enumerate(rows.names):
        chosen = _class(rows.scores[place], labels, label)
        found = [
            Contribution(
                feature=feature, value=_value(rows.table[feature].iloc[place]), amount=float(each[place, chosen])
            )
            for feature, each in amounts.items()
        ]
        yield Explanation(
            row=name.row,
            batch=name.batch,
            trained_on=name.trained_on,
            label=labels[chosen] if labels else "",
            unit=rows.unit,
            base=float(rows.parts.base[chosen]),
            margin=float(rows.margins[place, chosen]),
            prediction=float(rows.scores[place, chosen]),
            base_prediction=float(base[chosen]),
            contributions=tuple(sorted(found, key=lambda each: -abs(each.amount))),
        )


def _class(scores: NDArray[np.float64], labels: Sequence[str], label: str) -> int:
    if label:
        return list(labels).index(label)
    if len(labels) > 2:
        return int(scores.argmax())
    return max(len(labels) - 1, 0)


def _value(cell: object) -> float | str | None:
    if pd.isna(cell):  # type: ignore[call-overload]  # a cell of a table is a scalar
        return None
    return cell if isinstance(cell, str) else float(cell)  # type: ignore[arg-type]  # what is no text is a number
