"""What a comparison asks of its one measured number: to lie above a limit, below one, or between two.

The number may be computed with: slope * number + offset has an interval that is as good as the number's own. Anything
else (two measured numbers, a number divided by a measured one) would need an interval that nobody computed, and is
refused at its character.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ratchet.core.conditions.fault import Fault
from ratchet.core.conditions.tree import (
    Arithmetic,
    Between,
    Comparison,
    Expression,
    Leaf,
    Negative,
    Number,
    Relation,
    Subject,
)

FLIPPED: dict[Relation, Relation] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Limit:
    """A number that must be reached; `strict`: passed."""

    value: float
    strict: bool


@dataclass(frozen=True, kw_only=True)
class Range:
    """A measured number, and where it has to lie; at least one limit is there."""

    subject: Subject
    least: Limit | None = None
    most: Limit | None = None


def range_of(leaf: Leaf) -> Range:
    """The range that a comparison means. Raises Fault if it is not about exactly one measured number."""
    return _between(leaf) if isinstance(leaf, Between) else _compared(leaf)


def _compared(leaf: Comparison) -> Range:
    found = difference(linear(leaf.left), linear(leaf.right))
    if found.subject is None:
        raise Fault(leaf.place, "nothing measured is compared here, so this would always be the same")
    if found.slope == 0:
        raise Fault(leaf.place, "what is measured is multiplied by 0, so this would always be the same")
    limit = -found.offset / found.slope or 0.0
    if not math.isfinite(limit):
        raise Fault(leaf.place, "the limit is too large for a number")
    relation = leaf.relation if found.slope > 0 else FLIPPED[leaf.relation]
    bound = Limit(limit, strict=relation in "<>")
    if relation in (">", ">="):
        return Range(subject=found.subject, least=bound)
    return Range(subject=found.subject, most=bound)


def _between(leaf: Between) -> Range:
    if linear(leaf.middle).subject is None:
        raise Fault(leaf.place, "what is measured stands in front of between, and its limits behind")
    low, high = constant(leaf.low), constant(leaf.high)
    if low is not None and high is not None and low >= high:
        raise Fault(leaf.high.place, "the upper limit is not above the lower one, so nothing can lie between them")
    halves = (
        _compared(Comparison(">=", leaf.middle, leaf.low, leaf.level, leaf.place)),
        _compared(Comparison("<=", leaf.middle, leaf.high, leaf.level, leaf.place)),
    )
    least = next(half.least for half in halves if half.least is not None)
    most = next(half.most for half in halves if half.most is not None)
    return Range(subject=halves[0].subject, least=least, most=most)


@dataclass(frozen=True, kw_only=True)
class Linear:
    """slope * subject + offset; without a subject the slope is 0."""

    slope: float
    offset: float
    subject: Subject | None


def linear(part: Expression) -> Linear:
    """The expression as a linear one. Raises Fault where it is none, or is too large for a number."""
    match part:
        case Number():
            return Linear(slope=0.0, offset=part.value, subject=None)
        case Subject():
            return Linear(slope=1.0, offset=0.0, subject=part)
        case Negative():
            operand = linear(part.operand)
            return Linear(slope=-operand.slope, offset=-operand.offset, subject=operand.subject)
        case Arithmetic():
            return _finite(_combined(part, linear(part.left), linear(part.right)), part.place)


def constant(part: Expression) -> float | None:
    """The value of an expression in which nothing is measured. Raises as `linear`."""
    found = linear(part)
    return found.offset if found.subject is None else None


def difference(left: Linear, right: Linear) -> Linear:
    """left - right. Raises Fault if both are measured."""
    return Linear(
        slope=left.slope - right.slope, offset=left.offset - right.offset, subject=only(left.subject, right.subject)
    )


def only(left: Subject | None, right: Subject | None) -> Subject | None:
    """The one of two that is there. Raises Fault at the right one if both are."""
    if left is None or right is None:
        return left or right
    if (left.name, left.where) == (right.name, right.where) and {left.whose, right.whose} == {"challenger", "champion"}:
        raise Fault(
            right.place,
            f"two models are compared by their paired difference, which has an interval of its own: write "
            f"gain.{left.name} (positive is better) and a number",
        )
    raise Fault(right.place, "a comparison has one measured number, and here is a second: write two, joined by and")


def _combined(part: Arithmetic, left: Linear, right: Linear) -> Linear:
    match part.operator:
        case "-":
            return difference(left, right)
        case "+":
            return difference(left, Linear(slope=-right.slope, offset=-right.offset, subject=right.subject))
        case "*":
            factor, other = (left, right) if left.subject is None else (right, left)
            subject = only(left.subject, right.subject)
            return Linear(slope=factor.offset * other.slope, offset=factor.offset * other.offset, subject=subject)
        case "/":
            return _divided(part, left, right)


def _divided(part: Arithmetic, left: Linear, right: Linear) -> Linear:
    if right.subject is not None:
        raise Fault(right.subject.place, "nothing is divided by a measured number: its interval would not be known")
    if right.offset == 0:
        raise Fault(part.place, "this divides by zero")
    return Linear(slope=left.slope / right.offset, offset=left.offset / right.offset, subject=left.subject)


def _finite(found: Linear, place: int) -> Linear:
    if not (math.isfinite(found.slope) and math.isfinite(found.offset)):
        raise Fault(place, "this is too large for a number")
    return found
