"""The values of a column that are there: NaN is missing too, and what has an order is a number."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

LONGEST = 80
"""Characters of a text value that are kept; of a longer one the start, and a digest that tells it from others."""
DIGEST = 8


def present(values: pl.Series) -> pl.Series:
    """The values that are there, in their order."""
    found = values.drop_nulls()
    return found.drop_nans() if found.dtype.is_float() else found


def is_ordered(values: pl.Series) -> bool:
    """Whether the column holds numbers or moments."""
    return values.dtype.is_numeric() or values.dtype.is_temporal()


def as_numbers(values: pl.Series) -> NDArray[np.float64]:
    """Values of an ordered column as floats; moments as microseconds since 1970."""
    physical = values.dt.cast_time_unit("us").to_physical() if values.dtype == pl.Datetime else values.to_physical()
    return physical.cast(pl.Float64).to_numpy()


def finite_numbers(values: pl.Series) -> NDArray[np.float64]:
    """The finite values of an ordered column, ascending."""
    numbers = as_numbers(present(values))
    return np.sort(numbers[np.isfinite(numbers)])


def counted(values: pl.Series) -> dict[str, int]:
    """How many rows each text or boolean has, the commonest first, equal ones by name."""
    table = present(values).cast(pl.String).alias("value").value_counts(name="rows")
    ordered = table.sort("rows", "value", descending=[True, False])
    return {named(value): rows for value, rows in ordered.iter_rows()}


def named(value: str) -> str:
    """A text short enough to be kept.

    >>> named("EWR"), len(named("x" * 1_000_000))
    ('EWR', 80)
    """
    if len(value) <= LONGEST:
        return value
    digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
    return f"{value[: LONGEST - DIGEST - 1]}…{digest}"
