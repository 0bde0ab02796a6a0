"""A comparison of what models cost: single numbers, compared as they are, with units that have to fit."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ratchet.core.conditions.fault import Fault
from ratchet.core.conditions.ranges import constant
from ratchet.core.conditions.shown import Found, Measures, State
from ratchet.core.conditions.tree import (
    COSTS,
    Arithmetic,
    Between,
    Comparison,
    Expression,
    Leaf,
    Negative,
    Number,
    Operator,
    Relation,
    Subject,
    expressions,
    subjects,
)
from ratchet.core.conditions.words import canonical, distinct

OPERATORS: Mapping[Operator, Callable[[float, float], float]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
)
RELATIONS: Mapping[Relation, Callable[[float, float], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)


def check_costs(leaf: Leaf) -> None:
    """Raises Fault unless every number of the comparison is a cost or stands in the text, and the units fit."""
    for subject in subjects(leaf):
        _check_cost(subject)
    if leaf.level is not None:
        raise Fault(leaf.level.place, "a cost is a single number without an interval, so there is no level")
    if isinstance(leaf, Between) and not any(subjects(leaf.middle)):
        raise Fault(leaf.place, "what is measured stands in front of between, and its limits behind")
    first, *others = map(unit_of, expressions(leaf))
    for other in others:
        _common(first, other, leaf.place)


def priced(leaf: Leaf, measures: Measures) -> Found:
    """What is shown of the comparison; a cost that is missing or not finite shows nothing. Raises as `check_costs`."""
    check_costs(leaf)
    text = canonical(leaf)
    costs = {subject: measures.cost(subject.whose, subject.name) for subject in subjects(leaf)}
    known = {subject: cost for subject, cost in costs.items() if cost is not None and math.isfinite(cost)}
    if unknown := ", ".join(canonical(subject) for subject in costs if subject not in known):
        return Found(text=text, state="not shown", sentence=f"{text} is not shown: {unknown} was not measured")
    values = _values(leaf, known)
    if not all(map(math.isfinite, values)):
        why = "it divides by zero, or is too large for a number"
        return Found(text=text, state="not shown", sentence=f"{text} is not shown: {why}")
    state: State = "shown true" if _holds(leaf, values) else "shown false"
    numbers = zip(known, distinct(list(known.values())), strict=True)
    said = " and ".join(f"{canonical(subject)} is {number}" for subject, number in numbers)
    return Found(text=text, state=state, sentence=f"{text} is {state}: {said}", value=values[0])


def _values(leaf: Leaf, costs: Mapping[Subject, float]) -> list[float]:
    """What the comparison's expressions come to; NaN where one divides by zero."""
    try:
        return [value_of(each, costs.__getitem__) for each in expressions(leaf)]
    except ZeroDivisionError:
        return [math.nan]


def _holds(leaf: Leaf, values: list[float]) -> bool:
    if isinstance(leaf, Comparison):
        return RELATIONS[leaf.relation](*values)
    middle, low, high = values
    return low <= middle <= high


def unit_of(part: Expression) -> str | None:
    """The unit of an expression; None for a bare number, which fits any unit. Raises Fault if units do not fit."""
    match part:
        case Number():
            return None
        case Subject():
            return COSTS[part.name]
        case Negative():
            return unit_of(part.operand)
        case Arithmetic():
            return _combined(part, unit_of(part.left), unit_of(part.right))


def value_of(part: Expression, cost: Callable[[Subject], float]) -> float:
    """The value, with each cost as `cost` says. Raises ZeroDivisionError."""
    match part:
        case Number():
            return part.value
        case Subject():
            return cost(part)
        case Negative():
            return -value_of(part.operand, cost)
        case Arithmetic():
            return OPERATORS[part.operator](value_of(part.left, cost), value_of(part.right, cost))


def _check_cost(subject: Subject) -> None:
    if not subject.is_cost:
        raise Fault(subject.place, "a metric and what a model costs are not compared: write two, joined by and")
    if subject.whose == "gain":
        raise Fault(
            subject.place,
            f"what a model costs has no gain: write challenger.{subject.name} <= champion.{subject.name}",
        )
    if subject.where.terms:
        raise Fault(subject.name_place, f"{subject.name} is of the model, and has no slices")


def _combined(part: Arithmetic, left: str | None, right: str | None) -> str | None:
    if part.operator in "+-":
        return _common(left, right, part.place)
    if part.operator == "*":
        if left and right:
            raise Fault(part.place, f"{left} times {right} is nothing that is measured")
        return left or right
    if not any(subjects(part.right)) and constant(part.right) == 0:
        raise Fault(part.place, "this divides by zero")
    if right and left != right:
        raise Fault(part.place, f"{left or 'a number'} divided by {right} is nothing that is measured")
    return None if right else left


def _common(left: str | None, right: str | None, place: int) -> str | None:
    if left and right and left != right:
        raise Fault(place, f"{left} and {right} do not fit together")
    return left or right
