"""Overriding failed conditions of a recorded run: written to the ledger's branch, where promotion reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.core.decision import Decision
from ratchet.core.ledger_entries import Override, OverrideEntry
from ratchet.core.override import expiry, lacking, overrides, require_overridable
from ratchet.core.params import Params
from ratchet.errors import PromotionRefused
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.past_decisions import Found, of_run
from ratchet.flows.reason import require_reason
from ratchet.flows.recorded_run import find_run
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Overruled:
    """What was written, and the failed conditions that nobody has overridden yet."""

    entry: OverrideEntry
    left: tuple[str, ...]


def override(
    settings: Settings,
    conditions: Sequence[str],
    *,
    reason: str,
    expires: str,
    run_id: str | None = None,
    clock: Clock = now,
) -> Overruled:
    """Write that whoever acts takes these failed conditions of a run's decision upon themselves.

    `run_id` None takes the run of what is here. Raises UsageError if a condition did not fail, the reason is empty or
    the expiry is no day to come; PromotionRefused if a condition cannot be overridden; ServiceFailed.
    """
    why = require_reason("an override", reason)
    until = expiry(expires, clock())
    params = read_params(settings.root)
    found = of_run(settings, run_id or _run_of_here(settings, params))
    decision = _decision(found)
    names = tuple(dict.fromkeys(conditions))
    require_overridable(decision, names)
    made = Override(
        model=params.project.name,
        run_id=found.run_id,
        decision_digest=found.digest,
        conditions=names,
        reason=why,
        actor=settings.actor,
        time=stamp(clock()),
        expires=stamp(until),
    )
    branch = ledger(settings, params)
    entry = branch.append(lambda _: made, OverrideEntry)
    known = overrides(branch.read(), params.project.name)
    return Overruled(entry, lacking(known, decision, digest=found.digest, now=clock()))


def _decision(found: Found) -> Decision:
    if found.past.decision is None:
        raise PromotionRefused(
            f"the decision of {found.name} cannot be read: {found.past.unread}", next_step="ratchet run judges anew"
        )
    return found.past.decision


def _run_of_here(settings: Settings, params: Params) -> str:
    with tracking(settings.mlflow_uri, params.project.name) as store:
        return find_run(store, settings, None).run_id
