"""How often a condition is shown true although it is not: the levels of its comparisons, added up as logic wants it."""

from __future__ import annotations

from ratchet.core.conditions.tree import And, Between, Comparison, Node, Not, Or, Requirement, subjects


def risk(requirement: Requirement, alpha: float) -> float:
    """The most that the probability can be, if every comparison keeps its own level (`alpha` where none is written).

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
            if any(subject.is_cost for subject in subjects(node)):
                return 0.0
            level = alpha if node.level is None else node.level.value
            return level if shown or isinstance(node, Comparison) else 2 * level
