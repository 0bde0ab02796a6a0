"""One column of the schema, from its typed values in every batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

import polars as pl

from ratchet.core.schema import Column, ColumnType
from ratchet.core.schema_inference.room import highest_allowed, lowest_allowed, missing_allowed
from ratchet.core.validation.texts import CONTROL, decoded_rightly

MOST_VALUES = 24
"""A text column with more different values than this is not taken for a list of categories."""
ROWS_PER_VALUE = 5
"""Rows that each category must be in."""
ENOUGH_TO_COUNT = 20
"""From so many rows on, whole numbers that no two rows share are taken for numbers that count."""


@dataclass(frozen=True)
class InferredColumn:
    """A column, and what it is like: `constant` has one value at most; `counts` numbers the rows, so it has no end."""

    column: Column
    constant: bool = False
    counts: bool = False


def infer_column(
    kind: ColumnType, batches: Sequence[pl.Series], *, known: Literal["before", "after"], in_key: bool
) -> InferredColumn:
    """The column of type `kind` that has these typed values, one series a batch, none of them empty."""
    missing = max(values.null_count() / len(values) for values in batches)
    present = [values.drop_nulls() for values in batches]
    # A batch without any time in this column does not say whether times have a zone, and counts as if they had none.
    every = pl.concat([values.to_physical() for values in present] if kind == "timestamp" else present)
    constant = every.n_unique() <= 1
    counts = kind == "integer" and _counts(present, every)
    column = Column(
        type=kind,
        known=known,
        nullable=missing > 0 and not in_key,
        missing=missing_allowed(missing) if missing > 0 and not in_key else None,
        values=_categories(every, present) if kind == "string" else None,
    )
    if kind in ("integer", "number"):
        low, high = _limits(every)
        if kind == "integer":
            low, high = (None if low is None else float(floor(low))), (None if high is None else float(ceil(high)))
        column = column.model_copy(update={"min": low, "max": None if counts else high})
    return InferredColumn(column, constant=constant, counts=counts)


def finite(values: pl.Series) -> pl.Series:
    """The numbers that are there and have an end."""
    there = values.drop_nulls()
    return there.filter(there.is_finite()) if there.dtype.is_float() else there


def _limits(values: pl.Series) -> tuple[float | None, float | None]:
    numbers = finite(values)
    if not len(numbers):
        return None, None
    low, high = (float(each) for each in (numbers.min(), numbers.max()))  # type: ignore[arg-type]  # numbers have both
    return lowest_allowed(low, high), highest_allowed(low, high)


def _counts(batches: Sequence[pl.Series], every: pl.Series) -> bool:
    return len(every) >= ENOUGH_TO_COUNT and all(values.n_unique() == len(values) for values in batches)


def _categories(every: pl.Series, batches: Sequence[pl.Series]) -> list[str] | None:
    """The values, if they are few, each is in every batch and in several rows, and none is garbled."""
    found = every.value_counts()
    if not 0 < found.height <= MOST_VALUES or (found["count"] < ROWS_PER_VALUE).any() or found.height == 1:
        return None
    if any(values.n_unique() < found.height for values in batches):
        return None
    values = found.get_column(every.name).sort()
    if values.str.contains(CONTROL).any() or not decoded_rightly(values).all():
        return None
    return [str(value) for value in values]
