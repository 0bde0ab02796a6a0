"""Freezes that somebody called, as the ledger has them; `core.freeze` has those that `params.yaml` declares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ratchet.core.ledger_entries import FreezeEntry, Line


def frozen(entries: Iterable[Line], model: str, now: datetime) -> FreezeEntry | None:
    """The freeze that somebody called and that lasts at `now`, if there is one; the one that lasts longest.

    A freeze ends when it is over or with a thaw of its kind: another, shorter one does not end it.
    """
    called: dict[bool, list[FreezeEntry]] = {False: [], True: []}
    for entry in entries:
        if isinstance(entry, FreezeEntry) and (entry.everything or entry.model == model):
            if entry.kind == "thaw":
                called[entry.everything].clear()
            else:
                called[entry.everything].append(entry)
    both = (*called[False], *called[True])
    lasting = [each for each in both if not each.until or datetime.fromisoformat(each.until) > now]
    return max(lasting, key=lambda each: (not each.until, each.until), default=None)
