"""What the measurements show of a condition: true, false, or neither.

A comparison is shown true if the one-sided bound at its level lies on the right side of the limit, shown false if the
opposite bound lies on the wrong side, and else not shown. What was not measured shows nothing, and neither does a
number that the rows leave undefined or that comes from too few clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.clusters import check_level
from ratchet.core.conditions.estimated import estimated
from ratchet.core.conditions.fault import located
from ratchet.core.conditions.found import Enough, Found, Measures
from ratchet.core.conditions.kleene import State, all_of, any_of, opposite
from ratchet.core.conditions.priced import priced
from ratchet.core.conditions.risk import risk
from ratchet.core.conditions.tree import And, Between, Comparison, Leaf, Node, Not, Or, Requirement, subjects


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The state of a condition, the sentence of what decides it, and what each comparison found, in their order.

    `risk` is the most that the probability of "shown true" can be where the condition does not hold.
    """

    state: State
    sentence: str
    parts: tuple[Found, ...]
    risk: float


def judge(requirement: Requirement, measures: Measures, alpha: float, *, enough: Enough | None = None) -> Judged:
    """What `measures` show of the condition; `alpha` is the level of the comparisons that say none.

    Raises UsageError on a bad alpha, and at the character of a comparison that `check` would refuse.
    """
    check_level(alpha)
    needed = enough or Enough()

    def found(leaf: Leaf) -> Found:
        costs = any(subject.is_cost for subject in subjects(leaf))
        return priced(leaf, measures) if costs else estimated(leaf, measures, alpha, needed)

    with located(requirement.name, requirement.text):
        opinion = _opinion(requirement.body, found)
    said = "; ".join(each.sentence for each in opinion.decisive)
    sentence = said if isinstance(requirement.body, Comparison | Between) else f"{opinion.state}, as {said}"
    return Judged(state=opinion.state, sentence=sentence, parts=opinion.parts, risk=risk(requirement, alpha))


@dataclass(frozen=True, kw_only=True)
class _Opinion:
    """Of a part of the condition: its state, all comparisons in it, and those that make the state what it is."""

    state: State
    parts: tuple[Found, ...]
    decisive: tuple[Found, ...]


def _opinion(node: Node, found: Callable[[Leaf], Found]) -> _Opinion:
    match node:
        case Comparison() | Between():
            one = found(node)
            return _Opinion(state=one.state, parts=(one,), decisive=(one,))
        case Not():
            inner = _opinion(node.operand, found)
            return _Opinion(state=opposite(inner.state), parts=inner.parts, decisive=inner.decisive)
        case And() | Or():
            inners = [_opinion(part, found) for part in node.parts]
            state = (all_of if isinstance(node, And) else any_of)(inner.state for inner in inners)
            return _Opinion(
                state=state,
                parts=tuple(one for inner in inners for one in inner.parts),
                decisive=tuple(one for inner in inners if inner.state == state for one in inner.decisive),
            )
