"""`schema.yaml` as JSON Schema (2020-12): what a raw row may hold, for OpenAPI and for whoever builds a request.

A row that this schema does not allow is refused with 400, and no other is. Rules that it cannot say (relations between
columns, keys that come twice in a lookup, texts decoded wrongly) are listed as text, and breaking one is a 422.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from ratchet.core.schema import ROWS, Column, Table

ZONED = "2013-07-04T09:30:00Z"
"""How a timestamp with a zone is written; without one, it ends before the Z."""
MOMENT = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
"""Years 1000 to 2999: a zone takes no other across the ends of what calendars of 64 bits and of Python hold."""
ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})"

INTEGERS = (-(2**63), 2**63 - 1)
NUMBERS = (-sys.float_info.max, sys.float_info.max)
"""The finite numbers of 64 bits: no prediction is made from another one than was sent."""

TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "timestamp": "string"}

Json = dict[str, Any]


def timestamp_pattern(*, zoned: bool) -> str:
    """The form of a timestamp in RFC 3339, with or without a zone, as training had it."""
    return f"^{MOMENT}{ZONE if zoned else ''}$"


def row_schema(table: Table, *, zoned: Collection[str] = ()) -> Json:
    """One row of `table`: an object that has every column and nothing else."""
    schema = closed_object(
        {
            name: column_schema(column, nullable=column.nullable and name not in table.key, zoned=name in zoned)
            for name, column in table.columns.items()
        }
    )
    if table.relations:
        schema["x-relations"] = [
            {"rule": each.rule, "description": each.description, "level": each.level} for each in table.relations
        ]
    return schema


def column_schema(column: Column, *, nullable: bool, zoned: bool) -> Json:
    """The values that one column may hold; a range or a list that is only warned of is not part of it."""
    kind = TYPES[column.type]
    schema: Json = {"type": [kind, "null"] if nullable else kind}
    if text := _description(column):
        schema["description"] = text
    if column.unit:
        schema["x-unit"] = column.unit
    schema |= _bounds(column)
    if column.values is not None and column.level != "warn":
        schema["enum"] = [*column.values, *([None] if nullable else [])]
    if column.type == "timestamp":
        schema |= {"format": "date-time" if zoned else "date-time-local", "pattern": timestamp_pattern(zoned=zoned)}
    return schema


def request_schema(tables: Collection[str], *, max_rows: int) -> Json:
    """The body of a request: the rows, and the lookups that arrive with them."""
    lists = {
        name: {"type": "array", "maxItems": max_rows, "items": {"$ref": f"#/components/schemas/{component(name)}"}}
        for name in tables
    }
    rows = {"minItems": 1, **lists.pop(ROWS)}
    return closed_object({ROWS: rows, **({"lookups": closed_object(lists)} if lists else {})})


def closed_object(properties: Json, *, optional: Collection[str] = ()) -> Json:
    """An object with these properties and no other, all of them required but the `optional` ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def component(table: str) -> str:
    """The name of a table's row among the components of the OpenAPI document."""
    return "RawRow" if table == ROWS else f"Lookup.{table}"


def _description(column: Column) -> str:
    unit = f", in {column.unit}" if column.unit else ""
    outside = "" if column.level != "warn" else "; what is outside of the schema's range or values is only noted"
    return f"{column.description or column.type}{unit}{outside}"


def _bounds(column: Column) -> Json:
    if column.type not in ("integer", "number"):
        return {}
    least, most = INTEGERS if column.type == "integer" else NUMBERS
    if column.level != "warn":
        least = least if column.min is None else max(least, column.min)
        most = most if column.max is None else min(most, column.max)
    return {"minimum": _plain(least), "maximum": _plain(most)}


def _plain(bound: float) -> float | int:
    return int(bound) if float(bound).is_integer() and abs(bound) < 2**53 else bound
