"""How values read in findings: short, on one line, with what nobody sees made visible."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 60
"""Characters of a value at most."""


def shown(values: Sequence[object]) -> str:
    """The values of one row as an example.

    >>> shown(["EWR", None, 7, "EWR "])
    "EWR (missing) 7 'EWR '"
    """
    return " ".join(_one(value) for value in values)


def named(names: Sequence[str], values: Sequence[object]) -> str:
    """The values of one row with their columns' names; a single one stands by itself.

    >>> named(["hour", "minute"], [5, 59])
    'hour=5 minute=59'
    """
    if len(names) == 1:
        return _one(values[0])
    return " ".join(f"{name}={_one(value)}" for name, value in zip(names, values, strict=True))


def printable(text: str, longest: int | None = None) -> str:
    r"""`text` with what a terminal would obey made visible; cut to at most `longest` characters, if that is given.

    >>> printable("a\x1b[31mb"), printable("abc", 2)
    ('a\\x1b[31mb', 'a…')
    """
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"


def _one(value: object) -> str:
    if value is None:
        return "(missing)"
    text = printable(str(value))
    text = text if text.strip() == text != "" else f"'{text}'"
    return printable(text, LONGEST)
