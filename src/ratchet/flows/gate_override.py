"""Overriding failed conditions of a recorded run: written to the ledger's branch, where promotion reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratchet.core.decision import Decision
from ratchet.core.ledger_entries import Line, Override, OverrideEntry
from ratchet.core.override import expiry, lacking, require_overridable
from ratchet.core.params import Params
from ratchet.errors import PromotionRefused, UsageError
from ratchet.flows.champion import ledger
from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.past_decisions import Found, of_run
from ratchet.flows.record import fingerprint_of
from ratchet.io.mlflow import tracking
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True)
class Overridden:
    """What was written, and the failed conditions that nobody has overridden yet."""

    entry: OverrideEntry
    left: tuple[str, ...]


def overrides(entries: Iterable[Line], model: str) -> tuple[OverrideEntry, ...]:
    """What the ledger says was overridden of the decisions on a model."""
    return tuple(each for each in entries if isinstance(each, OverrideEntry) and each.model == model)


def override(
    settings: Settings,
    conditions: Sequence[str],
    *,
    reason: str,
    expires: str,
    run_id: str | None = None,
    clock: Clock = now,
) -> Overridden:
    """Write that whoever acts takes these failed conditions of a run's decision upon themselves.

    `run_id` None takes the run of what is here. Raises UsageError if a condition did not fail, the reason is empty or
    the expiry is no day to come; PromotionRefused if a condition cannot be overridden; ServiceFailed.
    """
    if not reason.strip():
        raise UsageError("an override without a reason is none", next_step='say why: --reason "..."')
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
        reason=reason.strip(),
        actor=settings.actor,
        time=stamp(clock()),
        expires=stamp(until),
    )
    branch = ledger(settings, params)
    entry = branch.append(lambda _: made, OverrideEntry)
    known = overrides(branch.read(), params.project.name)
    return Overridden(entry, lacking(known, decision, digest=found.digest, now=clock()))


def _decision(found: Found) -> Decision:
    if found.past.decision is None:
        raise PromotionRefused(
            f"the decision of {found.name} cannot be read: {found.past.unread}", next_step="ratchet run judges anew"
        )
    return found.past.decision


def _run_of_here(settings: Settings, params: Params) -> str:
    with tracking(settings.mlflow_uri, params.project.name) as store:
        run = store.find_run(fingerprint_of(settings.root))
    if run is None:
        raise PromotionRefused("what is here was not recorded", next_step="ratchet record, then ratchet gate override")
    return run.run_id
