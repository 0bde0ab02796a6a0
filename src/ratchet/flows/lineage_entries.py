"""The part of the ledger that a question about lineage needs: of a long one, few entries are read."""

from __future__ import annotations

from itertools import pairwise

from ratchet.core.lineage import End, Told, ends, told_by
from ratchet.core.params import Params
from ratchet.flows.champion import ledger
from ratchet.settings import Settings

READ_ALONE = 5_000
"""Entries that are picked out of the ledger; of more, reading it whole is quicker."""


def told_about(settings: Settings, params: Params, text: str, end: End | None) -> dict[str, Told]:
    """What the ledger says of the runs that `text` may name; of all, where it names none there or very many."""
    branch, model = ledger(settings, params), params.project.name
    with branch.view() as view:
        rows = view.about(model, text)
        if len(rows) <= READ_ALONE:
            told = told_by(view.entries(rows), model)
            ends_of = {row.sequence: after.time for row, after in pairwise(view.served(model))}
            for each in told.values():
                each.changes = [(entry, ends_of.get(entry.sequence)) for entry, _ in each.changes]
            if any(end in (None, each.end) for each in ends(told.values(), text)):
                return told
    return told_by(branch.read(), model)
