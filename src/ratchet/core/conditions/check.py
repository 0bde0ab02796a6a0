"""Whether a condition that can be read also makes sense: its names, its types, its units."""

from __future__ import annotations

from collections.abc import Mapping

from ratchet.core.conditions.costs import check_costs
from ratchet.core.conditions.fault import Fault, located
from ratchet.core.conditions.parse import parse
from ratchet.core.conditions.ranges import range_of
from ratchet.core.conditions.tree import COSTS, Kind, Requirement, Subject, Term, is_of_costs, leaves, subjects
from ratchet.core.metrics import METRICS, is_metric, metrics_for
from ratchet.core.params import Task
from ratchet.core.schema import ColumnType
from ratchet.errors import did_you_mean

Columns = Mapping[str, ColumnType | None]
"""What slices may name, with the type that the schema gives it; None: a feature, whose type the table shows later."""
KINDS: Mapping[ColumnType, Kind] = {"string": "text", "integer": "number", "number": "number", "boolean": "truth"}
WORDS: Mapping[Kind, str] = {"text": "a text", "number": "a number", "truth": "true or false"}


def check_all(conditions: Mapping[str, str], task: Task) -> None:
    """Raises UsageError at the first character of `gate.conditions` that cannot be read, or makes no sense."""
    for name, text in conditions.items():
        check(parse(text, name=name), task)


def check(requirement: Requirement, task: Task, columns: Columns | None = None) -> None:
    """Raises UsageError at the character of the first name that is unknown, or part that does not fit.

    Without `columns` slices are not checked; `mask` still does it, once there are rows.
    """
    with located(requirement.name, requirement.text):
        for leaf in leaves(requirement.body):
            for subject in subjects(leaf):
                _check_name(subject, task)
                for term in subject.where.terms if columns is not None else ():
                    _check_term(term, columns or {})
            if is_of_costs(leaf):
                check_costs(leaf)
            else:
                range_of(leaf)


def _check_name(subject: Subject, task: Task) -> None:
    known = [*(metric.name for metric in metrics_for(task)), *COSTS]
    if subject.name in known or is_metric(subject.name, task):
        return
    if subject.name in METRICS:
        tasks = " or ".join(sorted(METRICS[subject.name].tasks))
        raise Fault(subject.name_place, f"{subject.name} is a metric of {tasks}, and this project is {task}")
    near = did_you_mean(subject.name, known) or f"; known are {', '.join(known)}"
    raise Fault(subject.name_place, f"{subject.name} is no metric of {task}{near}")


def _check_term(term: Term, columns: Columns) -> None:
    if term.column not in columns:
        raise Fault(term.place, f"{term.column} is no column{did_you_mean(term.column, columns)}")
    found = columns[term.column]
    if found is not None and KINDS.get(found) != term.kind:
        raise Fault(term.place, f"the type of {term.column} is {found}, and it is compared with {WORDS[term.kind]}")
