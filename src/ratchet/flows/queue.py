"""What waits: every open candidate of every model, for whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ratchet.core.candidates import Candidate, candidates, frozen
from ratchet.core.ledger import models
from ratchet.core.ledger_entries import FreezeEntry
from ratchet.flows.champion import ledger
from ratchet.flows.clock import Clock, now
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A candidate, how long it has been where it is, and the freeze that stands in its way."""

    candidate: Candidate
    waited: timedelta
    frozen: FreezeEntry | None


def queue(settings: Settings, *, closed: bool = False, clock: Clock = now) -> tuple[Waiting, ...]:
    """The open candidates of all models of the ledger, by model and version; with `closed` the others as well.

    Raises TamperedFile, ServiceFailed.
    """
    at = clock()
    entries = ledger(settings, read_params(settings.root)).read()
    return tuple(
        Waiting(candidate=each, waited=_since(each.since, at), frozen=frozen(entries, model, at))
        for model in models(entries)
        for each in candidates(entries, model, at)
        if each.open or closed
    )


def _since(since: datetime, at: datetime) -> timedelta:
    return max(at - since, timedelta())
