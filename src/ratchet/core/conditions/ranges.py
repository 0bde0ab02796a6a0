"""What a comparison asks of its one measured number: to lie above a limit, below one, or between two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ratchet.core.conditions.fault import Fault
from ratchet.core.conditions.linear import constant, difference, linear
from ratchet.core.conditions.tree import Between, Comparison, Leaf, Relation, Subject

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
