"""Serving skew: how far what comes in is from what the model saw in training, feature by feature.

Counted from when this model took over in this process, over every row that was answered.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ratchet.core.seen import SeenFeature
from ratchet.serving.fields import clipped, shown
from ratchet.serving.notes import MOST_NOTES, Note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = Sequence[object] | NDArray[Any]
    Columns = Mapping[str, Values]

EXAMPLES = 5
"""New values of a feature that are kept to be shown: the first ones."""
KEPT = MOST_NOTES + 1
"""Notes on one feature of one request: one more than are told, so that it is known that there are more."""


class _Counts:
    """One feature's counts."""

    def __init__(self, name: str, seen: SeenFeature) -> None:
        self.name = name
        self.seen = seen
        self.known = frozenset(seen.categories) if seen.categories is not None else None
        self.outside = self.tails = self.missing = 0
        self.examples: list[str] = []

    def remember(self, value: object) -> None:
        if len(self.examples) < EXAMPLES and (text := shown(value)) not in self.examples:
            self.examples.append(text)


class Skew:
    """Counts of one model's inputs; safe to use from several threads."""

    def __init__(self, seen: Mapping[str, SeenFeature]) -> None:
        counts = [_Counts(name, feature) for name, feature in seen.items()]
        self._numbers = [each for each in counts if each.seen.low is not None]
        self._categories = [each for each in counts if each.seen.categories is not None]
        self._others = [each for each in counts if each.seen.low is None and each.seen.categories is None]
        self._rows = 0
        self._lock = threading.Lock()

    def see(self, columns: Columns) -> list[Note]:
        """Count these rows, and note the values that are outside of what training saw, KEPT of each feature at most."""
        if not (self._numbers or self._categories or self._others):
            return []
        rows = len(next(iter(columns.values())))
        with self._lock:
            self._rows += rows
            notes = [*self._see_numbers(columns), *self._see_categories(columns)]
            for each in self._others:
                each.missing += _missing(columns[each.name])
        return notes

    def summary(self) -> dict[str, Any]:
        """The rows that were counted, and the features, those with the largest share of values outside first."""
        with self._lock:
            told = [self._told(each) for each in (*self._numbers, *self._categories, *self._others)]
            rows = self._rows
        return {"rows": rows, "features": sorted(told, key=_badness, reverse=True)}

    def _see_numbers(self, columns: Columns) -> Iterator[Note]:
        if not self._numbers:
            return
        import numpy as np

        values = np.array([columns[each.name] for each in self._numbers], dtype=np.float64)
        seen = [each.seen for each in self._numbers]
        outside = _beyond(values, [each.low for each in seen], [each.high for each in seen])
        tails = _beyond(values, [each.inner_low for each in seen], [each.inner_high for each in seen])
        counted = (outside.sum(axis=1), tails.sum(axis=1), np.isnan(values).sum(axis=1))
        for each, out, tail, missing in zip(self._numbers, *(part.tolist() for part in counted), strict=True):
            each.outside, each.tails, each.missing = each.outside + out, each.tails + tail, each.missing + missing
        for place, row in np.argwhere(outside)[:KEPT].tolist():
            each, value = self._numbers[place], float(values[place, row])
            each.remember(value)
            known = f"{each.seen.low:g} to {each.seen.high:g}"
            yield Note(row, each.name, f"{value:g} is outside of what training saw, {known}")

    def _see_categories(self, columns: Columns) -> Iterator[Note]:
        for each in self._categories:
            values = columns[each.name]
            found = set(values)
            if None in found:
                each.missing += _missing(values)
            if new := found - (each.known or found) - {None}:
                where = [row for row, value in enumerate(values) if value in new]
                each.outside += len(where)
                for row in where[:KEPT]:
                    each.remember(values[row])
                    yield Note(row, each.name, f"{clipped(repr(values[row]))} is in none of the training rows")

    def _told(self, each: _Counts) -> dict[str, Any]:
        rows = max(self._rows, 1)
        numeric = each.seen.low is not None
        return {
            "feature": each.name,
            "outside": each.outside / rows,
            "outside_rows": each.outside,
            "examples": list(each.examples),
            "missing": each.missing / rows,
            "missing_in_training": each.seen.missing,
            "tails": each.tails / max(self._rows - each.missing, 1) if numeric else None,
            "tails_in_training": each.seen.tails,
        }


def _beyond(
    values: NDArray[np.float64], low: Sequence[float | None], high: Sequence[float | None]
) -> NDArray[np.bool_]:
    import numpy as np

    edges = np.array([low, high], dtype=np.float64)[:, :, None]
    beyond: NDArray[np.bool_] = (values < edges[0]) | (values > edges[1])
    return beyond


def _missing(values: Values) -> int:
    return sum(value is None or (isinstance(value, float) and math.isnan(value)) for value in values)


def _badness(told: Mapping[str, Any]) -> tuple[float, float]:
    drift = abs(told["missing"] - told["missing_in_training"])
    return told["outside"], max(drift, (told["tails"] or 0.0) - (told["tails_in_training"] or 0.0))
