"""From what a caller sends to columns the model takes, or a refusal that names every field that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import NoneType

from ratchet.core.model_record import Feature
from ratchet.errors import Violation
from ratchet.serving.fields import Fields, refused, too_large, violation

Columns = dict[str, Sequence[object]]
"""One sequence of values per feature, all of the same length."""

NEXT = "GET /model lists the features and an example request"

TYPES: Mapping[str, frozenset[type]] = {"number": frozenset({int, float}), "category": frozenset({str})}
RULES: Mapping[str, str] = {"number": "must be a JSON number", "category": "must be a JSON string"}
PLACEHOLDERS: Mapping[str, object] = {"number": 1.0, "category": "a"}
"""What the example shows for a field whose record has no value that was seen."""


class Inputs:
    """The fields a model takes, and the rules their values keep."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        self.kinds = {feature.name: feature.kind for feature in features}
        self._fields = Fields(feature.name for feature in features)

    def from_rows(self, rows: Sequence[object]) -> Columns:
        """Columns from one mapping of field to value per row. Raises RequestRefused."""
        mappings = self._fields.mappings(rows, next_step=NEXT)
        return self.from_columns({name: [row[name] for row in mappings] for name in self._fields.order})

    def from_columns(self, columns: Mapping[str, Sequence[object]]) -> Columns:
        """Columns in the model's order, numbers as floats, from one sequence per field. Raises RequestRefused."""
        if columns.keys() != self._fields.names:
            rows = [columns] * max(map(len, columns.values()), default=1)
            raise refused(self._fields.broken(rows), next_step=NEXT)
        types = {name: set(map(type, values)) for name, values in columns.items()}
        broken = [
            each
            for feature in self.features
            for each in _violations(feature, columns[feature.name], types[feature.name])
        ]
        if broken:
            raise refused(broken, next_step=NEXT)
        return {name: _floats(columns[name]) if int in types[name] else columns[name] for name in self._fields.order}

    def example(self) -> dict[str, object]:
        """A row that keeps every rule, of values that the model has seen where its record has them."""
        return {feature.name: _example(feature) for feature in self.features}


def _example(feature: Feature) -> object:
    if feature.example is None and not feature.nullable:
        return PLACEHOLDERS[feature.kind]
    return feature.example


def _violations(feature: Feature, values: Sequence[object], types: set[type]) -> Iterable[Violation]:
    allowed = TYPES[feature.kind]
    if NoneType in types and not feature.nullable:
        yield violation(feature.name, "must not be null", _where(values, frozenset({NoneType})))
    if wrong := types - allowed - {NoneType}:
        yield violation(feature.name, RULES[feature.kind], _where(values, frozenset(wrong)), values)
    if int in types and int in allowed and (huge := [i for i, value in enumerate(values) if too_large(value)]):
        yield violation(feature.name, "must fit a 64-bit float", huge)


def _where(values: Sequence[object], types: frozenset[type]) -> list[int]:
    return [index for index, value in enumerate(values) if type(value) in types]


def _floats(values: Sequence[object]) -> Sequence[object]:
    return [float(value) if isinstance(value, int) else value for value in values]
