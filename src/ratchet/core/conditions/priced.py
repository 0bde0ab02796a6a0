"""A comparison of what models cost: single numbers, compared as they are."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ratchet.core.conditions.canonical import canonical
from ratchet.core.conditions.found import Found, Measures
from ratchet.core.conditions.kleene import State
from ratchet.core.conditions.points import check_points, value_of
from ratchet.core.conditions.sentence import distinct
from ratchet.core.conditions.tree import Comparison, Leaf, Relation, Subject, expressions, subjects

RELATIONS: Mapping[Relation, Callable[[float, float], bool]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)


def priced(leaf: Leaf, measures: Measures) -> Found:
    """What is shown of the comparison; a cost that is missing or not finite shows nothing. Raises as `check_points`."""
    check_points(leaf)
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
