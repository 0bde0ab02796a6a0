"""From what a caller sends to columns the model takes, or a refusal that names every field that is wrong.

A field that is there and should not be is refused like one that is missing: a misspelt name would otherwise be
a prediction from a null.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import NoneType

from ratchet.core.model_record import Feature
from ratchet.errors import EXAMPLES_SHOWN, Violation
from ratchet.serving.refusal import FIELDS_SHOWN, RequestRefused

Columns = dict[str, Sequence[object]]
"""One sequence of values per feature, all of the same length."""

ROWS = "rows"
NEXT = "GET /model lists the features and an example request"
TEXT_SHOWN = 60
"""Characters of a name or a value that a message shows."""

TYPES: Mapping[str, frozenset[type]] = {"number": frozenset({int, float}), "category": frozenset({str})}
RULES: Mapping[str, str] = {"number": "must be a JSON number", "category": "must be a JSON string"}
PLACEHOLDERS: Mapping[str, object] = {"number": 1.0, "category": "a"}
"""What the example shows for a field whose record has no value that was seen."""


class Inputs:
    """The fields a model takes, and the rules their values keep."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self._order = [feature.name for feature in features]
        self._names = frozenset(self._order)

    def from_rows(self, rows: Sequence[object]) -> Columns:
        """Columns from one mapping of field to value per row. Raises RequestRefused."""
        mappings = [row for row in rows if isinstance(row, dict)]
        if len(mappings) != len(rows):
            index = next(index for index, row in enumerate(rows) if not isinstance(row, dict))
            raise RequestRefused(f"row {index} is {shown(rows[index])}, not an object of field: value", next_step=NEXT)
        if not all(row.keys() == self._names for row in mappings):
            raise _refused([*self._missing(mappings), *self._unknown(mappings)])
        return self.from_columns({name: [row[name] for row in mappings] for name in self._names})

    def from_columns(self, columns: Mapping[str, Sequence[object]]) -> Columns:
        """Columns in the model's order, numbers as floats, from one sequence per field. Raises RequestRefused."""
        if columns.keys() != self._names:
            rows = [columns] * max(map(len, columns.values()), default=1)
            raise _refused([*self._missing(rows), *self._unknown(rows)])
        types = {name: set(map(type, values)) for name, values in columns.items()}
        broken = [
            violation
            for feature in self.features
            for violation in _violations(feature, columns[feature.name], types[feature.name])
        ]
        if broken:
            raise _refused(broken)
        return {name: _floats(columns[name]) if int in types[name] else columns[name] for name in self._order}

    def example(self) -> dict[str, object]:
        """A row that keeps every rule, of values that the model has seen where its record has them."""
        return {feature.name: _example(feature) for feature in self.features}

    def _missing(self, rows: Sequence[Mapping[str, object]]) -> Iterable[Violation]:
        for feature in self.features:
            where = [index for index, row in enumerate(rows) if feature.name not in row]
            if where:
                yield _violation(feature.name, "is missing", where)

    def _unknown(self, rows: Sequence[Mapping[str, object]]) -> Iterable[Violation]:
        found: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            for name in row.keys() - self._names:
                found.setdefault(name, []).append(index)
        for place, name in enumerate(sorted(found)):
            hint = self._nearest(name) if place < FIELDS_SHOWN else ""
            yield _violation(clipped(name), f"is unknown{hint}", found[name])

    def _nearest(self, name: str) -> str:
        near = difflib.get_close_matches(clipped(name), self._names, n=1)
        return f", did you mean {near[0]}?" if near else ""


def shown(value: object) -> str:
    """A value as a message shows it: in Python's notation, bounded, and printable whatever it holds."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool | None):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        return "a number of more than 308 digits"
    return clipped(repr(value))


def clipped(text: str) -> str:
    """At most TEXT_SHOWN characters, with what UTF-8 cannot carry written as an escape."""
    short = text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"
    return short.encode("utf-8", "backslashreplace").decode()


def _example(feature: Feature) -> object:
    if feature.example is None and not feature.nullable:
        return PLACEHOLDERS[feature.kind]
    return feature.example


def _violations(feature: Feature, values: Sequence[object], types: set[type]) -> Iterable[Violation]:
    allowed = TYPES[feature.kind]
    if NoneType in types and not feature.nullable:
        yield _violation(feature.name, "must not be null", _where(values, frozenset({NoneType})))
    if wrong := types - allowed - {NoneType}:
        yield _violation(feature.name, RULES[feature.kind], _where(values, frozenset(wrong)), values)
    if int in types and int in allowed and (huge := [i for i, value in enumerate(values) if _too_large(value)]):
        yield _violation(feature.name, "must fit a 64-bit float", huge)


def _where(values: Sequence[object], types: frozenset[type]) -> list[int]:
    return [index for index, value in enumerate(values) if type(value) in types]


def _too_large(value: object) -> bool:
    return type(value) is int and abs(value) > sys.float_info.max


def _floats(values: Sequence[object]) -> Sequence[object]:
    return [float(value) if isinstance(value, int) else value for value in values]


def _violation(column: str, rule: str, where: Sequence[int], values: Sequence[object] = ()) -> Violation:
    examples = tuple(
        f"row {index}: {shown(values[index])}" if values else f"row {index}" for index in where[:EXAMPLES_SHOWN]
    )
    return Violation(table=ROWS, column=column, rule=rule, count=len(where), examples=examples)


def _refused(violations: Sequence[Violation]) -> RequestRefused:
    return RequestRefused("the rows are refused", next_step=NEXT, violations=violations)
