"""Conditions in words: the one way of writing a tree, which reads back as the same tree, and numbers in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ratchet.core.conditions.tree import (
    And,
    Arithmetic,
    Between,
    Comparison,
    Expression,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Requirement,
    Subject,
    Term,
    Value,
    Where,
)
from ratchet.core.findings import Estimate

PLAIN = re.compile(r"[^\W\d]\w*")
WHOLE = 1e15
"""Whole numbers below it are written without a point."""
DIGITS = (4, 6, 9, 17)
"""How precisely numbers are written: as short as can be while different ones look different."""


def canonical(part: Requirement | Node | Expression | Where) -> str:
    """The text of a condition, of a part of it, or of a slice (empty for all rows).

    >>> from ratchet.core.conditions.tree import Term
    >>> canonical(Where((Term("origin", "=", "EWR"), Term("distance", ">", 500.0))))
    'distance > 500 and origin = "EWR"'
    """
    if isinstance(part, Requirement):
        return canonical(part.body)
    if isinstance(part, Where):
        return " and ".join(map(_term, part.terms))
    return _expression(part) if isinstance(part, Expression) else _node(part)


def _node(part: Node) -> str:
    match part:
        case Or():
            return " or ".join(_within(each, (Or,)) for each in part.parts)
        case And():
            return " and ".join(_within(each, (Or, And)) for each in part.parts)
        case Not():
            return f"not {_within(part.operand, (Or, And))}"
        case Comparison():
            compared = f"{canonical(part.left)} {part.relation} {canonical(part.right)}"
            return compared + _level(part.level)
        case Between():
            limits = f"{canonical(part.low)} and {canonical(part.high)}"
            return f"{canonical(part.middle)} between {limits}{_level(part.level)}"


def _expression(part: Expression) -> str:
    match part:
        case Number():
            return number_text(part.value)
        case Subject():
            return f"{part.whose}.{part.name}" + (f"[{canonical(part.where)}]" if part.where.terms else "")
        case Negative():
            return f"-{_within(part.operand, (Arithmetic,))}"
        case Arithmetic():
            adds = part.operator in "+-"
            left = canonical(part.left) if adds or not _is_sum(part.left) else f"({canonical(part.left)})"
            bare = adds and not _is_sum(part.right)
            right = canonical(part.right) if bare else _within(part.right, (Arithmetic,))
            return f"{left} {part.operator} {right}"


def _is_sum(part: Expression) -> bool:
    return isinstance(part, Arithmetic) and part.operator in "+-"


def _within(part: Node | Expression, weaker: tuple[type, ...]) -> str:
    """In parentheses if it binds no tighter than what it stands in."""
    return f"({canonical(part)})" if isinstance(part, weaker) else canonical(part)


def _level(level: Number | None) -> str:
    return "" if level is None else f" at {number_text(level.value)}"


def _term(term: Term) -> str:
    column = term.column if PLAIN.fullmatch(term.column) else f"`{term.column}`"
    return f"{column} {term.relation} {_value(term.value)}"


def _value(value: Value) -> str:
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return number_text(value)


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number.

    >>> number_text(-0.01), number_text(500.0)
    ('-0.01', '500')
    """
    return str(int(value)) if value.is_integer() and abs(value) < WHOLE else repr(value)


def distinct(numbers: Sequence[float]) -> list[str]:
    """The numbers as texts, in their order; equal texts only for equal numbers.

    >>> distinct([0.65, 0.649999]), distinct([1 / 3, 2.0])
    (['0.65', '0.649999'], ['0.3333', '2'])
    """
    for digits in DIGITS:
        texts = [f"{number:.{digits}g}" for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts


def counted(estimate: Estimate) -> str:
    """How much data an estimate comes from."""
    if estimate.assumed_independent:
        return f"{estimate.rows:,} rows, taken as independent"
    return f"{number_of(estimate.rows, 'row')} in {number_of(estimate.clusters, 'cluster')}"


def number_of(count: int, thing: str) -> str:
    """The count with its noun: '1 row', '2,000 rows'."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
