"""Writing the ledger as a page: what served when, all entries, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratchet.flows.clock import Clock, now, stamp
from ratchet.flows.ledger import ledger
from ratchet.flows.queue import queue
from ratchet.io import files
from ratchet.io.ledger_page import LedgerFacts, ledger_page
from ratchet.io.room import read_params
from ratchet.settings import Settings

SHOWN = 2_000
"""Entries on a page at most, the newest ones: a browser searches so many at once."""


@dataclass(frozen=True)
class Exported:
    """Of which model the page is, how many entries it shows, and the hash of the ledger's last one."""

    model: str
    entries: int
    head: str


def export(settings: Settings, file: Path, *, clock: Clock = now) -> Exported:
    """Write the page of the project's model to `file`. Raises TamperedFile, ServiceFailed."""
    params = read_params(settings.root)
    model = params.project.name
    waiting = [each for each in queue(settings, clock=clock) if each.candidate.entry.model == model]
    with ledger(settings, params).view() as view:
        rows = view.concerning(model)
        facts = LedgerFacts(
            model=model,
            metric=params.gate.metric,
            made=stamp(clock()),
            head=view.last.hash,
            count=view.last.sequence,
            entries=view.entries(rows[-SHOWN:]),
            earlier=max(0, len(rows) - SHOWN),
            serving=view.champion(model),
            candidates=[each.candidate for each in waiting],
            progress={each.candidate.version: each.progress.text for each in waiting if each.progress},
        )
    files.write_text(file, ledger_page(facts))
    return Exported(model, len(facts.entries), facts.head)
