"""Columns as they come from files become columns of the declared types, where all of their values can."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ratchet.core.conform import MISFITS, blank_is_missing
from ratchet.core.schema import ColumnType

TRIED: dict[ColumnType, tuple[pa.DataType, ...]] = {
    "string": (),
    "integer": (pa.int64(), pa.float64()),
    "number": (pa.float64(),),
    "boolean": (pa.bool_(),),
    "timestamp": (pa.timestamp("us", "UTC"), pa.timestamp("us")),
}
"""What text is read as, by declared type: the first that fits all values; text, if none does."""
DIGITS = 18
"""Decimal digits that an int64 always holds."""


def plain(table: pa.Table) -> pa.Table:
    """The table with plain text columns, microseconds and numbers, whatever its file made of them."""
    columns = [_plain(table.column(name)) for name in table.column_names]
    return pa.table(columns, names=table.column_names)


def fitting(parts: Sequence[pa.DataType], declared: ColumnType | None) -> tuple[pa.DataType, ...]:
    """What a column whose parts have these types may become, the best first; nothing, if they contradict each other.

    >>> fitting([pa.int64(), pa.float64()], "number"), fitting([pa.bool_(), pa.int64()], "number")
    ((DataType(double),), ())
    """
    kinds = {kind for kind in parts if not pa.types.is_null(kind)}
    typed = sorted({kind for kind in kinds if not pa.types.is_string(kind)}, key=str)
    if not kinds:
        return (pa.string(),) if declared in (None, "string") else (*TRIED[declared][:1], pa.string())
    if not typed:
        return (*(TRIED[declared] if declared else ()), pa.string())
    text = (pa.string(),) if len(typed) < len(kinds) else ()
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in typed):
        whole = all(pa.types.is_integer(kind) for kind in typed)
        return (*typed[: len(typed) == 1], pa.int64(), pa.float64(), *text) if whole else (pa.float64(), *text)
    return (*typed, *text) if len(typed) == 1 else ()


def fits(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    """Whether every value of a column can be read as `kind`."""
    try:
        as_type(column, kind)
    except MISFITS:
        return False
    return True


def as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column as `kind`; blank text is a missing value of every type but text. Raises ArrowInvalid."""
    if pa.types.is_string(column.type) and not pa.types.is_string(kind):
        column = blank_is_missing(pc.utf8_trim_whitespace(column))
    return column.cast(kind)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        whole = kind.scale == 0 and kind.precision <= DIGITS
        return column.cast(pa.int64() if whole else pa.float64())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    return column
