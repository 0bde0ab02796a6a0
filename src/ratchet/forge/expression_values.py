"""Values in GitHub's expressions: how they compare, what they are as text, as numbers, as true or false.

Source: GitHub's "Evaluate expressions in workflows and actions", sections "Literals", "Operators" and "Functions".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

from ratchet.errors import UsageError

Value = Any
"""None, bool, float, str, a mapping or a sequence."""

NUMBER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
PLACE = re.compile(r"\{\{|\}\}|\{(\d+)\}")


class Each(tuple[Value, ...]):
    """What `.*` makes of a value: a list whose elements the next property is taken of."""

    __slots__ = ()


def text(value: Value) -> str:
    """A value as GitHub writes it into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return f"{value:.15g}" if math.isfinite(value) else {math.inf: "Infinity"}.get(value, "NaN")
    return value if isinstance(value, str) else "Object" if isinstance(value, Mapping) else "Array"


def number(value: Value) -> float:
    """A value as a number, where GitHub compares different types: what is none is not a number."""
    if value is None:
        return 0.0
    if isinstance(value, bool | float | int):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    words = value.strip()
    return literal(words) if NUMBER.fullmatch(words) else math.nan if words else 0.0


def truth(value: Value) -> bool:
    """Whether a value counts as true: all but false, 0, not-a-number, empty text and null."""
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        return True
    return bool(value) and value == value  # noqa: PLR0124  # false for not-a-number alone


def equal(one: Value, other: Value) -> bool:
    """GitHub's `==`."""
    if isinstance(one, str) and isinstance(other, str):
        return one.upper() == other.upper()
    if isinstance(one, Mapping | list | tuple) and isinstance(other, Mapping | list | tuple):
        return one is other
    return number(one) == number(other)


def contains(search: Value, item: Value) -> bool:
    """Whether text holds text, or a list an equal element."""
    if isinstance(search, list | tuple):
        return any(equal(each, item) for each in search)
    return not isinstance(search, Mapping) and text(item).upper() in text(search).upper()


def fill(template: Value, *values: Value) -> str:
    """GitHub's `format`: `{0}` is the first value, and a doubled brace is a brace."""

    def put(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        if int(found[1]) >= len(values):
            raise UsageError(f"format({text(template)!r}) has no value {found[1]}", next_step="count from {0}")
        return text(values[int(found[1])])

    return PLACE.sub(put, text(template))


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "contains": contains,
    "startswith": lambda whole, part: text(whole).upper().startswith(text(part).upper()),
    "endswith": lambda whole, part: text(whole).upper().endswith(text(part).upper()),
    "format": fill,
}

COMPARE: Mapping[str, Callable[[Value, Value], bool]] = {
    "==": equal,
    "!=": lambda one, other: not equal(one, other),
    "<": lambda one, other: lt(*_ordered(one, other)),
    "<=": lambda one, other: le(*_ordered(one, other)),
    ">": lambda one, other: gt(*_ordered(one, other)),
    ">=": lambda one, other: ge(*_ordered(one, other)),
}


def pick(value: Value, key: Value) -> Value:
    """A property or an element of a value, null if it has none; `Each` as the key is `.*`."""
    if key is Each:
        found = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        return Each(found)
    if isinstance(value, Each):
        return Each(found for each in value if (found := pick(each, key)) is not None)
    if isinstance(value, Mapping):
        return next((found for name, found in value.items() if name.lower() == text(key).lower()), None)
    if isinstance(value, list | tuple) and 0 <= (place := number(key)) < len(value):
        return value[int(place)]
    return None


def literal(word: str) -> float:
    """A number as it is written: decimal, or hexadecimal after 0x."""
    return float(int(word, 16)) if "x" in word.lower() else float(word)


def _ordered(one: Value, other: Value) -> tuple[Any, Any]:
    """What the order of two values is told by: text beside text, else numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.upper(), other.upper()
    return number(one), number(other)
