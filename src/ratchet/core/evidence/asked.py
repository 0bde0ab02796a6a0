"""What a policy asks to be measured: columns of the rows, costs of the models, and the parts that conditions name.

A condition that cannot be read, or makes no sense, asks for nothing here; the gate fails it with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from ratchet.core.gate_params import CostName, Gate
from ratchet.core.params import Task
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from ratchet.core.conditions.tree import Requirement, Subject


def columns_asked(policy: Gate, task: Task) -> frozenset[str]:
    """Columns, features or of the raw rows, that slices, gaps between groups and conditions name."""
    named = (term.column for subject in subjects_asked(policy, task) for term in subject.where.terms)
    return frozenset((*policy.slices.by, *policy.fairness, *named))


def costs_asked(policy: Gate, task: Task) -> tuple[CostName, ...]:
    """Costs that `gate.costs` or a condition names, in the order of `CostName`."""
    named = {*policy.costs, *(subject.name for subject in subjects_asked(policy, task) if subject.is_cost)}
    return tuple(cast(CostName, name) for name in get_args(CostName) if name in named)


def metrics_asked(policy: Gate, task: Task) -> tuple[str, ...]:
    """Metrics that the policy names anywhere, sorted: those of families, and declared ones, are measured for it."""
    named = {subject.name for subject in subjects_asked(policy, task) if not subject.is_cost}
    return tuple(sorted({policy.metric, *policy.floors, *policy.guardrails, *policy.priced, *named}))


def subjects_asked(policy: Gate, task: Task) -> frozenset[Subject]:
    """Everything measured that the conditions name: metrics by whose and where, and costs."""
    if not policy.conditions:
        return frozenset()
    from ratchet.core.conditions.tree import mentioned

    read = (_read(name, text, task) for name, text in policy.conditions.items())
    return frozenset(subject for requirement in read if requirement for subject in mentioned(requirement))


def _read(name: str, text: str, task: Task) -> Requirement | None:
    from ratchet.core.conditions.check import check
    from ratchet.core.conditions.parse import parse

    try:
        requirement = parse(text, name=name)
        check(requirement, task)
    except UsageError:
        return None
    return requirement
