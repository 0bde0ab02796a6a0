"""Numbers far from the others, by Tukey's outer fences, and values outside of what the schema allows."""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import Field

from ratchet.core.explore.values import finite_numbers, is_ordered, present
from ratchet.core.findings import Finite
from ratchet.core.schema import Column

REACH = 3.0
"""Interquartile ranges from the quartiles to the outer fences: what lies beyond is "far out" (Tukey, "Exploratory Data
Analysis", 1977, ch. 2). Of a normal distribution, 2 in a million rows do."""
EXAMPLES = 3
"""Values shown on each side, the farthest ones."""


class Outliers(Finite):
    """The rows beyond the outer fences of one column."""

    low: float = Field(description="the lower outer fence: first quartile - 3 interquartile ranges")
    high: float = Field(description="the upper outer fence: third quartile + 3 interquartile ranges")
    below: int = Field(description="rows below the lower fence")
    above: int = Field(description="rows above the upper fence")
    examples: tuple[float, ...] = Field(description="the farthest values, lowest first")


def far_out(values: pl.Series) -> Outliers | None:
    """The outliers of a column of numbers; None where half of the values are equal, so that there is no range."""
    numbers = finite_numbers(values)
    if not len(numbers):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        first, third = np.quantile(numbers, [0.25, 0.75])
        low, high = float(first - REACH * (third - first)), float(third + REACH * (third - first))
    if first == third or not np.isfinite([low, high]).all():
        return None
    lower, upper = numbers[numbers < low], numbers[numbers > high]
    examples = [*np.unique(lower)[:EXAMPLES].tolist(), *np.unique(upper)[-EXAMPLES:].tolist()]
    return Outliers(low=low, high=high, below=len(lower), above=len(upper), examples=tuple(examples))


def outside(values: pl.Series, column: Column) -> int:
    """How many values break the schema's `min`, `max` or `values`."""
    there = present(values)
    if column.values is not None and not is_ordered(values):
        return int((~there.cast(pl.String).is_in(column.values)).sum())
    if not there.dtype.is_numeric():
        return 0
    low = int((there < column.min).sum()) if column.min is not None else 0
    high = int((there > column.max).sum()) if column.max is not None else 0
    return low + high
