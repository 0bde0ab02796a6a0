"""The way back: the version that a rollback would return to must load and answer, here and today."""

from __future__ import annotations

import re

from ratchet.core.ledger_entries import Entry
from ratchet.core.params import Params
from ratchet.errors import PromotionRefused, RatchetError
from ratchet.flows.rehearse import rehearse
from ratchet.settings import Settings

LONGEST = 500
"""Characters of a failure that the ledger keeps."""
FOLDERS = re.compile(r"(?<![\w.:/])(?:/[^/\s'\"(),:]+)+/")
"""Of an absolute path all but the name at its end: the ledger is for others than whoever has this machine."""


def rehearse_way_back(settings: Settings, params: Params, serving: Entry | None, *, waived: bool) -> str:
    """How the version that serves failed its rehearsal, where that is waived; empty: there is a way back.

    Raises PromotionRefused if it failed, and is not waived.
    """
    if serving is None:
        return ""
    try:
        rehearse(settings, params, serving)
    except RatchetError as error:
        if waived:
            return in_ledger(error.message)
        raise PromotionRefused(
            f"there would be no way back: version {serving.version}, which serves, does not load here: {error.message}",
            next_step=_next_step(error),
        ) from error
    return ""


def in_ledger(failure: str) -> str:
    """A failure in one line, without this machine's folders.

    >>> in_ledger("no module x   in /home/ana/lib/a.py: gone")
    'no module x in a.py: gone'
    """
    return FOLDERS.sub("", " ".join(failure.split()))[:LONGEST]


def _next_step(error: RatchetError) -> str:
    mend = f"{error.next_step}; or promote where both load" if error.next_step else "promote where both load"
    return f"{mend}; or, for the ledger to keep as an exception: --without-way-back --reason TEXT"
