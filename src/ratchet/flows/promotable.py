"""Whether a candidate may serve now: where it stands, what is frozen, and whether all is as it was decided on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ratchet.core.candidates import Candidate
from ratchet.core.freeze import declared
from ratchet.core.ledger_entries import Line, Registration
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.core.promotable import require_promotable
from ratchet.errors import ChampionChanged, Frozen
from ratchet.flows.clock import stamp
from ratchet.io.pointers import tracked_digests
from ratchet.settings import Settings


def require_ready(params: Params, entries: tuple[Line, ...], version: int, at: datetime) -> Candidate:
    """The candidate. Raises PromotionRefused or ChampionChanged unless it may serve now."""
    found = require_promotable(entries, params.project.name, version, at)
    if window := declared(params.promotion.freeze, at):
        said = f" ({window.reason})" if window.reason else ""
        raise Frozen(
            f"nothing is promoted before {stamp(window.ends(at))}: promotion.freeze{said}",
            next_step="wait; going back is possible at any time",
        )
    return found


def require_same(settings: Settings, params: Params, entry: Registration) -> None:
    """Raises ChampionChanged if policy, phases or a batch are others than those it was decided and registered with."""
    require_same_question(settings, params, f"version {entry.version}", policy=entry.policy, batches=entry.batches)
    if entry.phases != params.promotion.named_phases:
        raise ChampionChanged(
            f"version {entry.version} was registered with other phases than promotion.phases here",
            next_step="ratchet run, ratchet record, ratchet register; or promote where params.yaml has the old ones",
        )


def require_same_question(
    settings: Settings, params: Params, what: str, *, policy: str, batches: Mapping[str, str]
) -> None:
    """Raises ChampionChanged if `what` was decided by another policy, or on other batches (digest by name)."""
    if policy and policy != digest_of(params.gate.model_dump(mode="json")):
        raise ChampionChanged(
            f"{what} was decided by another policy than the gate section of params.yaml here",
            next_step="ratchet run judges by this one",
        )
    here = tracked_digests(settings.root)
    other = sorted(name for name, digest in batches.items() if here.get(name) != digest)
    if other:
        raise ChampionChanged(
            f"{what} was decided on other data: {', '.join(other)} changed since, or is not here",
            next_step="ratchet run judges on the data as it is",
        )
