"""How far a column has moved between two versions of the same table.

The distance is that of `column_shift`. Here both versions are known in full, and what differs is no chance: nothing is
held against what batches usually do, but distances that are not worth telling are left out.
"""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from ratchet.core.change.column_shift import LEAST, is_ordered, names_rows, tally
from ratchet.core.conform import is_text


def moved(before: pl.Series, after: pl.Series, *, at_most: float = 1.0) -> float | None:
    """The distance of two versions of a column, or None if it is at most `LEAST` or cannot be told.

    Nothing is counted where the caller knows that the distance is `at_most` so much. It cannot be told of columns of
    another kind, such as texts of numbers, nor of texts that name rows.

    >>> moved(pl.Series([1.0, 2.0]), pl.Series([3.0, 4.0, None])), moved(pl.Series([1, 2]), pl.Series([2.0, 1.0]))
    (1.0, None)
    """
    if at_most <= LEAST or before.is_empty() or after.is_empty():
        return None
    old, new = arrow(before), arrow(after)
    numeric = all(pa.types.is_integer(each.type) or pa.types.is_floating(each.type) for each in (old, new))
    if numeric and old.type != new.type:
        old, new = old.cast(pa.float64(), safe=False), new.cast(pa.float64(), safe=False)
    if old.type != new.type or not (is_ordered(old.type) or _is_counted(old, new)):
        return None
    found = tally([old, new]).distance([0], [1]) if is_ordered(old.type) else _variation(before, after)
    distance = round(found, 4)
    return distance if distance > LEAST else None


def _variation(before: pl.Series, after: pl.Series) -> float:
    """Total variation as `Tally.distance` has it, where the values may be as many as the rows."""
    counted = [
        each.cast(pl.String).alias("value").value_counts(name=name, normalize=True)
        for each, name in ((before, "before"), (after, "after"))
    ]
    both = counted[0].join(counted[1], on="value", how="full", nulls_equal=True)
    apart = (both["before"].fill_null(0.0) - both["after"].fill_null(0.0)).abs().sum()
    return float(apart) / 2


def arrow(values: pl.Series) -> pa.ChunkedArray:
    """A column for what reads Arrow: timestamps in microseconds, UTC where they have a zone."""
    kind = values.dtype
    if isinstance(kind, pl.Datetime):
        values = values.dt.cast_time_unit("us")
        values = values.dt.convert_time_zone("UTC") if kind.time_zone else values
    elif kind in (pl.Categorical, pl.Enum):
        values = values.cast(pl.String)
    return pa.chunked_array([values.to_arrow()])


def _is_counted(*versions: pa.ChunkedArray) -> bool:
    """Whether a column's values are counted one by one: texts that do not name rows, and booleans."""
    kind = versions[0].type
    return (pa.types.is_boolean(kind) or is_text(kind)) and not all(names_rows(each) for each in versions)
