"""What the measurements show of a condition: true, false, or neither; and how often that is wrong.

A comparison of a metric is shown true if the one-sided bound at its level lies on the right side of the limit, shown
false if the opposite bound lies on the wrong side, and else not shown. What was not measured shows nothing, and neither
does a number that the rows leave undefined or that comes from too few clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.clusters import JACKKNIFE_GROUPS, bounds, check_level
from ratchet.core.conditions.costs import priced
from ratchet.core.conditions.fault import located
from ratchet.core.conditions.ranges import Limit, Range, range_of
from ratchet.core.conditions.shown import Enough, Found, Measures, State, all_of, any_of, opposite
from ratchet.core.conditions.tree import (
    And,
    Between,
    Comparison,
    Leaf,
    Node,
    Not,
    Number,
    Or,
    Requirement,
    Subject,
    expressions,
    is_of_costs,
)
from ratchet.core.conditions.words import canonical, counted, distinct, number_of
from ratchet.core.findings import Estimate
from ratchet.core.metrics import METRICS


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
        return priced(leaf, measures) if is_of_costs(leaf) else _estimated(leaf, measures, alpha, needed)

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


def risk(requirement: Requirement, alpha: float) -> float:
    """The most that the chance of "shown true" can be where it is not, if each comparison keeps its own level.

    `alpha` is the level of those that say none.
    Where all parts must be shown, one false part has to slip through alone: the largest level counts
    (intersection-union test; Berger, Technometrics 24, 1982). Where any part is enough, each one is another chance:
    the levels add up (Bonferroni). What a model costs is known, and carries no risk.

    >>> from ratchet.core.conditions.parse import parse
    >>> risk(parse("gain.brier > 0 at 0.25 or gain.ece > 0 at 0.125"), 0.1)
    0.375
    """
    return min(_risk(requirement.body, alpha, shown=True), 1.0)


def _risk(node: Node, alpha: float, *, shown: bool) -> float:
    """Of `node` being shown to be as `shown` says, and not being it."""
    match node:
        case Not():
            return _risk(node.operand, alpha, shown=not shown)
        case And() | Or():
            risks = [_risk(part, alpha, shown=shown) for part in node.parts]
            return max(risks) if isinstance(node, And) == shown else sum(risks)
        case Comparison() | Between():
            if is_of_costs(node):
                return 0.0
            level = alpha if node.level is None else node.level.value
            return level if shown or isinstance(node, Comparison) else 2 * level


@dataclass(frozen=True, kw_only=True)
class _Interval:
    """A value between its one-sided bounds at a level."""

    value: float
    low: float
    high: float
    level: float


def _estimated(leaf: Leaf, measures: Measures, alpha: float, enough: Enough) -> Found:
    """What is shown of the comparison; `alpha` is its level if it says none. Raises Fault as `range_of`."""
    wanted, text = range_of(leaf), canonical(leaf)
    subject = wanted.subject
    estimate = measures.estimate(subject.whose, subject.name, subject.where)
    interval = _interval(subject, estimate, alpha if leaf.level is None else leaf.level.value)
    problem = _problem(estimate, enough)
    if estimate is None or interval is None or problem:
        why = f"{canonical(subject)} {problem or 'has no interval that is finite'}"
        return Found(text=text, state="not shown", sentence=f"{text} is not shown: {why}")
    state = _state(wanted, interval)
    return Found(
        text=text,
        state=state,
        sentence=f"{text} is {state}: {_reason(leaf, wanted, interval, state)} ({counted(estimate)})",
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        least=wanted.least.value if wanted.least else None,
        most=wanted.most.value if wanted.most else None,
        rows=estimate.rows,
        clusters=estimate.clusters,
    )


def _problem(estimate: Estimate | None, enough: Enough) -> str:
    """Why the estimate shows nothing; empty if it may."""
    if estimate is None:
        return "was not measured"
    if not estimate.rows:
        return "has no rows"
    if estimate.value is None:
        return f"is undefined on {'this' if estimate.rows == 1 else 'these'} {number_of(estimate.rows, 'row')}"
    if estimate.assumed_independent and estimate.rows < enough.independent_rows:
        return f"comes from {number_of(estimate.rows, 'row')}, and {enough.independent_rows:,} are needed"
    if not estimate.assumed_independent and estimate.clusters < enough.clusters:
        return f"comes from {number_of(estimate.clusters, 'cluster')}, and {enough.clusters:,} are needed"
    return ""


def _interval(subject: Subject, estimate: Estimate | None, level: float) -> _Interval | None:
    if estimate is None or estimate.value is None or estimate.clusters < 2:
        return None
    low, high = bounds(estimate.value, estimate.standard_error, _degrees(subject, estimate), level)
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return None
    return _Interval(value=estimate.value, low=low, high=high, level=level)


def _degrees(subject: Subject, estimate: Estimate) -> int:
    """One less than there were observations: all clusters for a mean of losses, else what the jackknife leaves out."""
    metric = METRICS.get(subject.name)
    of_means = metric is not None and metric.row_loss is not None
    return (estimate.clusters if of_means else min(estimate.clusters, JACKKNIFE_GROUPS)) - 1


def _state(wanted: Range, found: _Interval) -> State:
    limits = (_above(wanted.least, found.low, found.high), _above(_mirrored(wanted.most), -found.high, -found.low))
    return all_of(limits)


def _above(limit: Limit | None, low: float, high: float) -> State:
    """Whether what lies between the bounds is above the limit; where there is none, it is."""
    if limit is None or low > limit.value or (low == limit.value and not limit.strict):
        return "shown true"
    return "shown false" if high < limit.value or (high == limit.value and limit.strict) else "not shown"


def _mirrored(limit: Limit | None) -> Limit | None:
    """x < 3 is -x > -3."""
    return None if limit is None else Limit(-limit.value, limit.strict)


def _reason(leaf: Leaf, wanted: Range, found: _Interval, state: State) -> str:
    """The value, the bound that decides or both, and the limits where the text does not say them as they are."""
    limits = [limit.value for limit in (wanted.least, wanted.most) if limit is not None]
    value, low, high, *shown = distinct([found.value, found.low, found.high, *limits])
    if state == "not shown" or (len(limits) == 2 and state == "shown true"):
        bound = f"between {low} and {high}"
    elif len(limits) == 2:
        bound = f"at most {high}" if _above(wanted.least, found.low, found.high) == "shown false" else f"at least {low}"
    else:
        bound = f"at least {low}" if (state == "shown true") == (wanted.least is not None) else f"at most {high}"
    computed = any(not isinstance(each, Number | Subject) for each in expressions(leaf))
    against = f", against {' and '.join(shown)}" if computed else ""
    return f"{canonical(wanted.subject)} is {value}, {bound} at level {found.level:g}{against}"
