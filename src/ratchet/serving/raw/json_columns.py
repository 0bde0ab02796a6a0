"""JSON rows as a typed table: every value must be of its column's type, before any rule looks at it.

Stricter than files: a CSV file writes numbers as text, JSON has no need to. The cast itself is `core/conform.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ratchet.core.conform import ARROW, RESOLUTION, conform
from ratchet.core.schema import Column, Table
from ratchet.errors import Violation
from ratchet.serving.fields import Fields, refused, too_large, violation
from ratchet.serving.raw.json_schema import INTEGERS, ZONED, timestamp_pattern

NEXT = "GET /openapi.json says what each column may hold; GET /model shows a raw example that works"


@dataclass(frozen=True)
class JsonTable:
    """One table of a request: its schema, and the timestamp columns whose values have a time zone."""

    name: str
    table: Table
    zoned: frozenset[str]
    hints: Mapping[str, str]

    def typed(self, rows: Sequence[object]) -> pa.Table:
        """The rows with the schema's types, in its order of columns. Raises RequestRefused (400)."""
        fields = Fields(self.table.columns, table=self.name, hints=self.hints)
        mappings = fields.mappings(rows, next_step=NEXT)
        columns = {name: [row[name] for row in mappings] for name in self.table.columns}
        broken = [each for name, values in columns.items() for each in self._violations(name, values)]
        if broken:
            raise refused(broken, next_step=NEXT)
        arrays = {name: self._array(name, values, broken) for name, values in columns.items()}
        if broken:
            raise refused(broken, next_step=NEXT)
        # All that is left to find is that there are no rows: a lookup may be empty, as nothing was observed.
        return conform(pa.table(arrays), self.table, name=self.name)[0]

    def _violations(self, name: str, values: Sequence[object]) -> Iterator[Violation]:
        kind = self.table.columns[name].type
        rule = f"must be a JSON {_rule(kind, zoned=name in self.zoned)}"
        allowed = ALLOWED[kind]
        if wrong := [i for i, value in enumerate(values) if value is not None and not allowed(value)]:
            yield violation(name, rule, wrong, values, table=self.name)
        elif kind == "timestamp":
            form = re.compile(timestamp_pattern(zoned=name in self.zoned))
            odd = [i for i, value in enumerate(values) if isinstance(value, str) and not form.fullmatch(value)]
            if odd:
                yield violation(name, rule, odd, values, table=self.name)

    def _array(self, name: str, values: list[Any], broken: list[Violation]) -> pa.ChunkedArray:
        column = self.table.columns[name]
        try:
            return self._cast(name, column, values)
        except (pa.ArrowInvalid, UnicodeEncodeError):
            wrong = [i for i, value in enumerate(values) if not self._fits(name, column, value)]
            rule = f"is not of type {column.type}"
            broken.append(violation(name, rule, wrong or [*range(len(values))], values, table=self.name))
            return pa.chunked_array([], ARROW.get(column.type, pa.string()))

    def _cast(self, name: str, column: Column, values: list[Any]) -> pa.ChunkedArray:
        if column.type == "timestamp":
            zone = "UTC" if name in self.zoned else None
            return pa.chunked_array([pa.array(values, pa.string())]).cast(pa.timestamp(RESOLUTION, tz=zone))
        as_type = CONVERT.get(column.type)
        plain = [None if value is None else as_type(value) for value in values] if as_type else values
        return pa.chunked_array([pa.array(plain, ARROW[column.type])])

    def _fits(self, name: str, column: Column, value: object) -> bool:
        try:
            self._cast(name, column, [value])
        except (pa.ArrowInvalid, UnicodeEncodeError):
            return False
        return True


def _rule(kind: str, *, zoned: bool) -> str:
    if kind == "timestamp":
        return f"string such as {ZONED}" if zoned else f"string without a time zone, such as {ZONED[:-1]}"
    return {"integer": "integer of 64 bits", "number": "number that fits a 64-bit float"}.get(kind, kind)


def _is_integer(value: object) -> bool:
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return whole and INTEGERS[0] <= value <= INTEGERS[1]  # type: ignore[operator]  # a number, by the line above


ALLOWED: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "timestamp": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: type(value) in (int, float) and not too_large(value),
    "integer": _is_integer,
}
"""What a JSON value must be for each type of a column; an integer may be written 3.0, as in JSON Schema."""

CONVERT: Mapping[str, Callable[[Any], object]] = {"number": float, "integer": int}
