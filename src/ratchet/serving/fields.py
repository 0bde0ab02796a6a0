"""The fields of JSON rows: which are missing, which nobody knows, and how a broken one is told.

A field that is there and should not be is refused like one that is missing: a misspelt name would otherwise be
a prediction from a null.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ratchet.core.schema import ROWS
from ratchet.errors import EXAMPLES_SHOWN, Violation, did_you_mean
from ratchet.serving.refusal import FIELDS_SHOWN, RequestRefused

TEXT_SHOWN = 60
"""Characters of a name or a value that a message shows."""


class Fields:
    """The names that every row of `table` must have, in their order; `hints` say more of names that nobody knows."""

    def __init__(self, names: Iterable[str], *, table: str = ROWS, hints: Mapping[str, str] | None = None) -> None:
        self.order = tuple(names)
        self.names = frozenset(self.order)
        self.table = table
        self._hints = hints or {}

    def mappings(self, rows: Sequence[object], *, next_step: str) -> list[Mapping[str, object]]:
        """The rows, each of which is an object with exactly these fields. Raises RequestRefused."""
        found: list[Mapping[str, object]] = [row for row in rows if isinstance(row, dict)]
        if len(found) != len(rows):
            index = next(index for index, row in enumerate(rows) if not isinstance(row, dict))
            where = "row" if self.table == ROWS else f"{self.table} row"
            raise RequestRefused(
                f"{where} {index} is {shown(rows[index])}, not an object of field: value", next_step=next_step
            )
        if not all(row.keys() == self.names for row in found):
            raise refused(self.broken(found), next_step=next_step)
        return found

    def broken(self, rows: Sequence[Mapping[str, object]]) -> list[Violation]:
        """The fields that are missing, then those that are unknown."""
        return [*self._missing(rows), *self._unknown(rows)]

    def _missing(self, rows: Sequence[Mapping[str, object]]) -> Iterator[Violation]:
        for name in self.order:
            where = [index for index, row in enumerate(rows) if name not in row]
            if where:
                yield violation(name, "is missing", where, table=self.table)

    def _unknown(self, rows: Sequence[Mapping[str, object]]) -> Iterator[Violation]:
        found: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            for name in row.keys() - self.names:
                found.setdefault(name, []).append(index)
        for place, name in enumerate(sorted(found)):
            hint = self._hint(name) if place < FIELDS_SHOWN else ""
            yield violation(clipped(name), f"is unknown{hint}", found[name], table=self.table)

    def _hint(self, name: str) -> str:
        if name in self._hints:
            return self._hints[name]
        return did_you_mean(clipped(name), self.order)


def violation(
    column: str, rule: str, where: Sequence[int], values: Sequence[object] = (), *, table: str = ROWS
) -> Violation:
    """A broken rule of one field, with the positions of a few rows, and their `values` where there are any."""
    examples = tuple(
        f"row {index}: {shown(values[index])}" if values else f"row {index}" for index in where[:EXAMPLES_SHOWN]
    )
    return Violation(table=table, column=column, rule=rule, count=len(where), examples=examples)


def refused(violations: Sequence[Violation], *, next_step: str, status: int = 400) -> RequestRefused:
    """The refusal of rows that break these rules."""
    return RequestRefused("the rows are refused", next_step=next_step, status=status, violations=violations)


def shown(value: object) -> str:
    """A value as a message shows it: in Python's notation, bounded, and printable whatever it holds."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool | None):
        return {None: "null", True: "true", False: "false"}[value]
    if too_large(value):
        return "a number of more than 308 digits"
    return clipped(repr(value))


def too_large(value: object) -> bool:
    """Whether it is an integer that no 64-bit float is near to."""
    return type(value) is int and abs(value) > sys.float_info.max


def clipped(text: str) -> str:
    """At most TEXT_SHOWN characters, with what UTF-8 cannot carry written as an escape."""
    short = text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"
    return short.encode("utf-8", "backslashreplace").decode()
