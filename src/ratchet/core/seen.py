"""What training saw of each feature: enough to tell, while serving, that a value is new to the model.

A value is *outside* if it is below the smallest or above the largest value of the training rows, or a category that
was in none of them. That is no error, as models answer for it; but what they answer there, nobody evaluated. Beside it,
the share of values in the *tails* (outside of the middle 98 %) and the share of missing ones tell a shift before
anything is outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from ratchet.core.findings import Finite

if TYPE_CHECKING:
    import pandas as pd

    from ratchet.core.model_record import Feature

TAIL = 0.01
"""The share of training values in each tail: below its quantile TAIL, above its quantile 1 - TAIL."""

MOST_CATEGORIES = 5_000
"""A feature with more categories is an identifier: none of them is kept, and none counts as new."""


class SeenFeature(Finite):
    """One feature in the training rows; everything but `missing` is None where there was no value of its kind.

    `low` to `high` is the range of numbers, `inner_low` to `inner_high` its middle; `tails` is the share of values
    outside of the middle, which ties make smaller than twice TAIL.
    """

    missing: float = Field(ge=0, le=1, description="the share of rows without a value")
    low: float | None = None
    high: float | None = None
    inner_low: float | None = None
    inner_high: float | None = None
    tails: float | None = None
    categories: tuple[str, ...] | None = Field(default=None, description="in alphabetical order; None: too many")


Seen = dict[str, SeenFeature]
"""By the feature's name."""


def seen_in(tables: Iterable[pd.DataFrame], features: Sequence[Feature]) -> Seen:
    """What the training batches' feature tables hold of each feature; one feature at a time is in memory."""
    import pandas as pd

    tables = list(tables)
    return {
        feature.name: _seen(pd.concat([table[feature.name] for table in tables], ignore_index=True), feature.kind)
        for feature in features
    }


def _seen(values: pd.Series, kind: str) -> SeenFeature:
    missing = float(values.isna().mean()) if len(values) else 0.0
    if kind == "category":
        categories = sorted(map(str, values.dropna().unique()))
        return SeenFeature(
            missing=missing, categories=tuple(categories) if len(categories) <= MOST_CATEGORIES else None
        )
    import numpy as np

    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return SeenFeature(missing=missing)
    low, inner_low, inner_high, high = (float(edge) for edge in np.quantile(numbers, [0, TAIL, 1 - TAIL, 1]))
    tails = float(np.mean((numbers < inner_low) | (numbers > inner_high)))
    return SeenFeature(missing=missing, low=low, high=high, inner_low=inner_low, inner_high=inner_high, tails=tails)
