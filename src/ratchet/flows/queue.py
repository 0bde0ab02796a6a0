"""What waits: every open candidate of every model, for whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ratchet.core.called_freeze import frozen
from ratchet.core.candidates import Candidate, candidates
from ratchet.core.ledger import models
from ratchet.core.ledger_entries import FreezeEntry, Line
from ratchet.core.phase_progress import Progress
from ratchet.flows.clock import Clock, now
from ratchet.flows.ledger import ledger
from ratchet.flows.phase_progress import phases_progress
from ratchet.io.ledger import LedgerBranch
from ratchet.io.queue_index import entries_of_open, models_of
from ratchet.io.room import read_params
from ratchet.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A candidate, how long it has been where it is, how far its phase is, and the freeze that stands in its way."""

    candidate: Candidate
    waited: timedelta
    frozen: FreezeEntry | None
    progress: Progress | None = None


def queue(settings: Settings, *, closed: bool = False, clock: Clock = now) -> tuple[Waiting, ...]:
    """The open candidates of all models of the ledger, by model and version; with `closed` the others as well.

    Raises TamperedFile, ServiceFailed.
    """
    at = clock()
    branch = ledger(settings, read_params(settings.root))
    waiting: list[Waiting] = []
    for model, entries in _told(branch, closed=closed):
        known = [each for each in candidates(entries, model, at) if each.open or closed]
        stopped = frozen(entries, model, at)
        waiting += [
            Waiting(candidate=each, waited=max(at - each.since, timedelta()), frozen=stopped, progress=progress)
            for each, progress in zip(known, phases_progress(settings, known, at=at), strict=True)
        ]
    return tuple(waiting)


def _told(branch: LedgerBranch, *, closed: bool) -> list[tuple[str, tuple[Line, ...]]]:
    """The models, each with the entries that decide about its candidates: those of the open ones are few."""
    if closed:
        entries = branch.read()
        return [(model, entries) for model in models(entries)]
    with branch.view() as view:
        return [(model, entries_of_open(view, model)) for model in models_of(view)]
