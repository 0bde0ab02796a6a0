"""One column of a query's result, from the objects of a database's driver to Arrow."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa

from ratchet.core.conform import ARROW
from ratchet.core.schema import ColumnType
from ratchet.errors import DataRefused

KNOWN = (str, bool, int, float, Decimal, date, UUID)
"""What has a place in a table; a list, a document or a span of time has none."""


def column_of(name: str, values: list[object], declared: ColumnType | None) -> pa.Array:
    """One column of a chunk as its declared type; text where it is written as text. Raises DataRefused."""
    present = next((value for value in values if value is not None), None)
    if present is not None and not isinstance(present, KNOWN):
        raise DataRefused(
            f"the query's column {name} has values of type {type(present).__name__}, for which a table has no place; "
            "nothing was taken",
            next_step="leave it out, or make text or a number of it in the query, such as CAST(… AS TEXT)",
        )
    try:
        return pa.array(_as_declared(values, present, declared), _kind(present, declared))
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError) as error:
        raise DataRefused(
            f"the query's column {name} has values of several types: {str(error).splitlines()[0]}; nothing was taken",
            next_step="cast the column in the query",
        ) from error


def _kind(present: object, declared: ColumnType | None) -> pa.DataType | None:
    if isinstance(present, (str, UUID)):
        return pa.string()
    if isinstance(present, datetime):
        return pa.timestamp("us", "UTC" if present.tzinfo else None)
    if isinstance(present, date) or (isinstance(present, Decimal) and declared not in ("number", "string")):
        return None
    return ARROW.get(declared) if declared else None


def _as_declared(values: list[object], present: object, declared: ColumnType | None) -> list[object]:
    """Identifiers as text, exact decimals as declared, and the 0 and 1 of a database without truth values as such."""
    if isinstance(present, UUID) or (isinstance(present, Decimal) and declared == "string"):
        return [None if value is None else str(value) for value in values]
    if isinstance(present, Decimal):
        return [_number(value, declared) for value in values]
    if declared == "boolean" and isinstance(present, int):
        return [bool(value) if value in (0, 1) else value for value in values]
    return values


def _number(value: object, declared: ColumnType | None) -> object:
    """A decimal as a whole number where that is declared and holds all of it, otherwise as a float."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if declared == "integer" and value.is_finite() and value == int(value) else float(value)
