"""What has to be measured before a condition can be judged."""

from __future__ import annotations

from ratchet.core.conditions.tree import Requirement, Subject, subjects


def mentioned(requirement: Requirement) -> frozenset[Subject]:
    """Each metric (of one model or gained, on one slice) and each cost that the condition names.

    >>> from ratchet.core.conditions.parse import parse
    >>> [(each.whose, each.name) for each in mentioned(parse("gain.brier > 0 and gain.brier < 1"))]
    [('gain', 'brier')]
    """
    return frozenset(subjects(requirement.body))
