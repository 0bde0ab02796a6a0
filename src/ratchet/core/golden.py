"""Golden requests: rows that a model answered when it was recorded, and must answer alike wherever it is to serve.

They are made up, from the ranges and categories that training saw, so that nobody's row travels with the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.model_record import Feature, ModelRecord
from ratchet.core.scoring import Predictor, Scores, frame, score
from ratchet.core.seen import SeenFeature

ROWS = 16
TOLERANCE = 1e-9
"""Relative: libraries may add in another order, and no more."""
Cell = float | str | None


class Golden(Finite):
    """The rows, feature by feature, and the scores of each, as `core.scoring.score` gives them."""

    columns: dict[str, list[Cell]]
    scores: list[list[float]] = Field(min_length=1)


def golden_columns(record: ModelRecord) -> dict[str, list[Cell]]:
    """ROWS values for each feature: steps through its usual range or its categories, and what is missing now and then.

    Each feature steps at another pace, so that rows are no diagonal.
    """
    return {
        feature.name: [_cell(feature, record.seen.get(feature.name), row, place) for row in range(ROWS)]
        for place, feature in enumerate(record.features)
    }


def answered(pipeline: Predictor, record: ModelRecord, columns: dict[str, list[Cell]]) -> Scores:
    """The scores of golden rows, (ROWS, classes) or (ROWS, 1)."""
    return score(pipeline, record.task, frame(record.features, columns))


def difference(expected: Sequence[Sequence[float]], found: Scores) -> str:
    """What is different, in words with the first row and both values; empty if the answers agree."""
    wanted = np.asarray(expected, dtype=np.float64)
    if wanted.shape != found.shape:
        return f"it gives scores of shape {found.shape}, recorded were {wanted.shape}"
    near = np.asarray(np.isclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE))
    wrong = np.flatnonzero(~near.all(axis=1))
    if not len(wrong):
        return ""
    row = int(wrong[0])
    return (
        f"it answers {len(wrong)} of {len(wanted)} golden requests differently: "
        f"row {row} with {found[row, -1]:.9g}, recorded was {wanted[row, -1]:.9g}"
    )


def _cell(feature: Feature, seen: SeenFeature | None, row: int, place: int) -> Cell:
    step = (row * (2 * place + 1) + place) % ROWS
    if seen is None:
        return feature.example
    if feature.nullable and seen.missing and step == ROWS - 1:
        return None
    if feature.kind == "category":
        return seen.categories[step % len(seen.categories)] if seen.categories else feature.example
    if seen.inner_low is None or seen.inner_high is None:
        return feature.example
    return seen.inner_low + (seen.inner_high - seen.inner_low) * step / (ROWS - 1)
