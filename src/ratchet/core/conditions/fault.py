"""A mistake in a condition, and the error that shows it under its very character."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from ratchet.errors import UsageError

SHOWN = 60
"""Characters of the line that are shown on either side of the mistake."""


class Fault(Exception):
    """What is wrong at character `place` of a text; `located` makes the error of it that people see."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


@contextmanager
def located(name: str, text: str) -> Iterator[None]:
    """Turns a Fault into a UsageError that names the condition and points at the character."""
    try:
        yield
    except Fault as fault:
        raise UsageError(
            f"gate.conditions.{name}: {fault.message}\n{pointed(text, fault.place)}",
            next_step="mend it in params.yaml; docs/conditions.md has the language",
        ) from fault


def pointed(text: str, place: int) -> str:
    """The line of `text` around `place`, and below it a caret under that character.

    >>> print(pointed("gain.brier >> 0", 12))
        gain.brier >> 0
                    ^
    """
    start = max(text.rfind("\n", 0, place) + 1, place - SHOWN)
    end = text.find("\n", place)
    line = text[start : min(len(text) if end < 0 else end, place + SHOWN)]
    before = line[: place - start]
    return f"    {_printable(line)}\n    {' ' * sum(map(_width, _printable(before)))}^"


def _printable(line: str) -> str:
    """Without what moves the caret or the terminal: tabs, escapes, marks that turn the direction of writing."""
    return "".join(each if each.isprintable() else " " for each in line)


def _width(character: str) -> int:
    """Columns that a terminal gives to it."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
