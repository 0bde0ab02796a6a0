"""Concurrency groups: which runs a new one pushes out of the queue. GitHub's rule, pure.

Of a group's runs one is in progress and one pending at most: a newer one cancels the pending one before it, and with
`cancel-in-progress` every other one. Here one run is under way at a time, whatever its group; the oldest run of a group
is therefore the one that on GitHub would be in progress, and it keeps its turn. Groups do not know each other.

Source: GitHub's "Control the concurrency of workflows and jobs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.errors import UsageError
from ratchet.forge import expressions
from ratchet.forge.run import QUEUED, WAITING, Run
from ratchet.forge.workflows import Workflow


def settle(workflow: Workflow, contexts: Mapping[str, Any]) -> tuple[str, bool]:
    """A workflow's group for one run, in lower case or nothing, and whether it cancels what is in progress.

    Raises UsageError for an expression that cannot be evaluated, or a cancel-in-progress that is not true or false.
    """
    if not workflow.concurrency.group:
        return "", False
    group = expressions.interpolate(workflow.concurrency.group, contexts)
    cancel = expressions.interpolate(workflow.concurrency.cancel, contexts)
    if not group or cancel not in ("true", "false"):
        raise UsageError(
            f"{workflow.path}: its concurrency comes to the group {group!r} with cancel-in-progress {cancel!r}",
            next_step="a group needs a name, and cancel-in-progress is true or false",
        )
    return group.casefold(), cancel == "true"


def superseded(group: str, unfinished: Sequence[Run], *, cancel: bool) -> list[Run]:
    """Those of the `unfinished` runs, in the order of their numbers, that a newer run of `group` cancels."""
    others = [run for run in unfinished if group and run.group == group]
    if cancel:
        return others
    return [run for run in others[1:] if run.state in (QUEUED, WAITING) and not run.approved_by]
