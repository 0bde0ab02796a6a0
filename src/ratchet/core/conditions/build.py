"""From what the grammar recognises to the tree: one method per rule, called as soon as its parts are read.

A tree that would be nested too deeply is refused while it grows, so nothing that walks a tree can exhaust the stack.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ratchet.core.conditions.fault import Fault
from ratchet.core.conditions.tree import (
    EVERYWHERE,
    WHOSE,
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
    Relation,
    Subject,
    Term,
    Value,
    Where,
    Whose,
    children,
    kind_of,
)
from ratchet.errors import did_you_mean

if TYPE_CHECKING:
    from lark import Token

DEEPEST = 50
"""Parts within parts: nobody reads what is nested deeper."""
EXACT = 2**53
"""Whole numbers from here on are not all told apart by a float."""
HIGHEST_LEVEL = 0.5
"""A one-sided risk above it would show what the estimate itself denies."""
Part = TypeVar("Part", bound=Node | Expression)
Parts = Sequence[Any]
"""A rule's parts: tokens, and what the methods gave for its inner rules."""


class Builder:
    """A method is called as its rule, with the rule's parts."""

    def either(self, parts: Parts) -> Node:
        """One condition, or any of several."""
        return cast(Node, parts[0] if len(parts) == 1 else _shallow(Or(tuple(parts), parts[0].place)))

    def both(self, parts: Parts) -> Node:
        """One condition, or all of several."""
        return cast(Node, parts[0] if len(parts) == 1 else _shallow(And(tuple(parts), parts[0].place)))

    def negated(self, parts: Parts) -> Node:
        """`not` and a condition."""
        return _shallow(Not(parts[1], _place(parts[0])))

    def comparison(self, parts: Parts) -> Node:
        """Left, relation, right, level."""
        left, relation, right, level = parts
        return _shallow(Comparison(cast(Relation, str(relation)), left, right, level, _place(relation)))

    def between(self, parts: Parts) -> Node:
        """Middle, `between`, low, high, level."""
        middle, word, low, high, level = parts
        return _shallow(Between(middle, low, high, level, _place(word)))

    def level(self, parts: Parts) -> Number | None:
        """The number after `at`, if there is one."""
        if not parts:
            return None
        level = self.number(parts)
        if not 0 < level.value <= HIGHEST_LEVEL:
            raise Fault(level.place, f"a level is a one-sided risk above 0 and at most {HIGHEST_LEVEL}")
        return level

    def sum(self, parts: Parts) -> Expression:
        """Products and the signs between them, from left to right."""
        return _chain(parts)

    def product(self, parts: Parts) -> Expression:
        """Factors and the signs between them, from left to right."""
        return _chain(parts)

    def negative(self, parts: Parts) -> Expression:
        """Minus and an expression; minus a number is a number."""
        minus, operand = parts
        if isinstance(operand, Number):
            return Number(-operand.value or 0.0, _place(minus))
        return _shallow(Negative(operand, _place(minus)))

    def number(self, parts: Parts) -> Number:
        """A number as it stands."""
        return Number(_number(parts[0]), _place(parts[0]))

    def subject(self, parts: Parts) -> Subject:
        """Whose, metric, and the slice if there is one."""
        whose, metric = parts[:2]
        if whose not in WHOSE:
            raise Fault(_place(whose), f"{whose} is none of {', '.join(WHOSE)}{did_you_mean(whose, WHOSE)}")
        where = parts[2] if len(parts) > 2 else EVERYWHERE
        return Subject(cast(Whose, str(whose)), str(metric), where, _place(whose), _place(metric))

    def where(self, parts: Parts) -> Where:
        """A slice's terms."""
        return Where(tuple(parts))

    def term(self, parts: Parts) -> Term:
        """Column, relation, value; only numbers have an order."""
        column, relation, value = parts
        if relation not in ("=", "!=") and kind_of(value) != "number":
            raise Fault(_place(relation), f"{relation} compares numbers; a text, true or false is only = or !=")
        return Term(column[0], cast(Relation, str(relation)), value, column[1])

    def column(self, parts: Parts) -> tuple[str, int]:
        """A column's name, out of its backquotes, and its place."""
        return str(parts[0]).strip("`"), _place(parts[0])

    def number_value(self, parts: Parts) -> Value:
        """A number, perhaps after a minus."""
        value = _number(parts[-1])
        if str(parts[-1]).isdigit() and value >= EXACT:
            raise Fault(_place(parts[-1]), "a number this large cannot be told from its neighbours")
        return value if len(parts) == 1 else -value or 0.0

    def text_value(self, parts: Parts) -> Value:
        """A text: in double quotes with the escapes of JSON, in single quotes as it is."""
        written = str(parts[0])
        if written.startswith("'"):
            return written[1:-1]
        try:
            text = str(json.loads(written, strict=False))
            text.encode()
        except ValueError as error:
            place = _place(parts[0])
            raise Fault(place, 'the text has a wrong escape: \\" and \\\\ stand for " and \\') from error
        return text

    def truth_value(self, parts: Parts) -> Value:
        """`true` or `false`."""
        return str(parts[0]) == "true"


def _chain(parts: Parts) -> Expression:
    """a - b + c is (a - b) + c."""
    result = cast(Expression, parts[0])
    for sign, operand in zip(parts[1::2], parts[2::2], strict=True):
        result = _shallow(Arithmetic(sign.value, result, operand, _place(sign)))
    return result


def _number(token: Token) -> float:
    value = float(token)
    if not math.isfinite(value):
        raise Fault(_place(token), "this number is too large")
    return value


def _place(token: Token) -> int:
    return token.start_pos or 0


def _shallow(part: Part) -> Part:
    """The part, unless it is nested too deeply; its own parts are not, so that this looks no deeper than that."""
    if _depth(part) > DEEPEST:
        raise Fault(part.place, f"this is nested more than {DEEPEST} deep: split the condition into several")
    return part


def _depth(part: Node | Expression) -> int:
    return 1 + max(map(_depth, children(part)), default=0)
