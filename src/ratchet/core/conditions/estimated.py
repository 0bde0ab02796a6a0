"""A comparison of a metric with numbers: what the metric's interval at the comparison's level shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ratchet.core.clusters import JACKKNIFE_GROUPS, bounds
from ratchet.core.conditions.canonical import canonical
from ratchet.core.conditions.found import Enough, Found, Measures
from ratchet.core.conditions.kleene import State, all_of
from ratchet.core.conditions.ranges import Limit, Range, range_of
from ratchet.core.conditions.sentence import counted, distinct, number_of
from ratchet.core.conditions.tree import Leaf, Number, Subject, expressions
from ratchet.core.findings import Estimate
from ratchet.core.metrics import METRICS


@dataclass(frozen=True, kw_only=True)
class _Interval:
    """A value between its one-sided bounds at a level."""

    value: float
    low: float
    high: float
    level: float


def estimated(leaf: Leaf, measures: Measures, alpha: float, enough: Enough) -> Found:
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
