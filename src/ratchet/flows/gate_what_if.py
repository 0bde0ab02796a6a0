"""Which decisions of the past would have been others under another policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ratchet.core.conditions.check import check_all
from ratchet.core.decision import Decision
from ratchet.core.names import check_names
from ratchet.core.params import Gate
from ratchet.core.past_rules import Judgement
from ratchet.core.what_if import what_if
from ratchet.errors import RatchetError
from ratchet.flows.past_decisions import Found, newest
from ratchet.flows.sealed_past import opened
from ratchet.io.other_params import read_other_params
from ratchet.settings import PARAMS, Settings

SHOWN = 10
"""Decisions that a report shows."""


def judged_by(
    settings: Settings, *, params: Path | None, changes: Sequence[str], last: int | None
) -> tuple[Judgement, ...]:
    """The decisions of the past, newest first, under the policy of `params` (this project's own) with `changes`.

    Raises UsageError if the parameters are none, ServiceFailed.
    """
    other = read_other_params(params or settings.root / PARAMS, changes)
    check_names(other)
    check_all(other.gate.conditions, other.project.task)
    return tuple(_judged(settings, found, other.gate) for found in newest(settings, last))


def under_new_rules(settings: Settings, policy: Gate) -> tuple[Judgement, ...]:
    """The newest decisions that were made by other rules than `policy`, under it. Raises ServiceFailed."""
    found = newest(settings, SHOWN + 1)
    earlier = [each for each in found if each.past.decision is None or each.past.decision.policy != policy]
    return tuple(_judged(settings, each, policy) for each in earlier[:SHOWN])


def _judged(settings: Settings, found: Found, policy: Gate) -> Judgement:
    decision, problem = found.past.decision, ""
    if decision is not None and decision.seal is not None and decision.policy != policy:
        decision, problem = _whole(settings, found, decision)
    return Judgement(
        decision=found.name,
        time=found.time,
        holdout=found.past.holdout,
        recorded=found.past.verdict,
        what_if=what_if(decision, policy) if decision else None,
        unread=found.past.unread or problem,
    )


def _whole(settings: Settings, found: Found, decision: Decision) -> tuple[Decision | None, str]:
    """The decision in full where its rows are consumed; or why it is not to be had."""
    try:
        return opened(settings, found) or decision, ""
    except RatchetError as error:
        return None, error.message
