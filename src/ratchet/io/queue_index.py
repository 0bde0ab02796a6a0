"""What the queue asks of the ledger's index: the entries by which open candidates stand where they stand.

`core.candidates` derives that from entries alone, and finds the same open candidates in these few as in the whole
ledger (`tests/io/test_queue_index.py`). What is left out says nothing about a version that may still serve:

- a version that was compared with another champion than the one that serves is stale, and makes none superseded but
  what was compared with the same one;
- what served before says nothing about a version that never did, unless it served with the same model;
- a freeze is over with the next thaw of its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from json import dumps
from typing import NamedTuple

from ratchet.core.ledger_entries import Line
from ratchet.io.ledger_index import Row
from ratchet.io.ledger_view import SERVED, LedgerView


class _Known(NamedTuple):
    """What the index has of a registration."""

    version: int
    champion: int | None
    digest: str
    decision: str


def models_of(view: LedgerView) -> tuple[str, ...]:
    """The models that the ledger knows, in the order in which they first appear."""
    found = view.index.database.execute("SELECT model FROM line GROUP BY model ORDER BY min(sequence)")
    return tuple(row[0] for row in found)


def entries_of_open(view: LedgerView, model: str) -> tuple[Line, ...]:
    """The entries that decide about a model's open candidates, and about freezes of it. Raises TamperedFile."""
    changes = view.index.rows(SERVED, (model,), last=1)
    serving = changes[-1].version if changes else None
    left = [each for each in _registered(view, model) if each.champion == serving]
    # The newest entry says what time it is at least; the first word about its version may be an older one.
    newest = view.index.rows(last=1)
    told = {row.version for row in newest if row.model == model and row.version is not None}
    about = view.of_versions(model, told.union(each.version for each in left))
    found = {*changes, *newest, *about, *_overrides(view, model, left), *_freezes(view, model)}
    if _served_again(view, model, left):
        found |= {*view.served(model)}
    return view.entries(sorted(found))


def _registered(view: LedgerView, model: str) -> Iterable[_Known]:
    """Each version as it was registered first."""
    asked = (
        "SELECT version, champion, digest, decision FROM line JOIN fact USING (sequence) "
        "WHERE model = ? AND kind = 'registered' ORDER BY sequence"
    )
    found: dict[int, _Known] = {}
    for row in view.index.database.execute(asked, (model,)):
        found.setdefault(row[0], _Known(*row))
    return found.values()


def _overrides(view: LedgerView, model: str, left: Iterable[_Known]) -> list[Row]:
    decisions = dumps([each.decision for each in left])
    of_one = "sequence IN (SELECT sequence FROM fact WHERE decision IN (SELECT value FROM json_each(?)))"
    return view.index.rows(f"model = ? AND kind = 'override' AND {of_one}", (model, decisions))


def _freezes(view: LedgerView, model: str) -> Iterator[Row]:
    """Those that no thaw has ended: of the model, and of all."""
    called, of_all = "kind IN ('freeze', 'thaw')", "sequence IN (SELECT sequence FROM fact WHERE everything)"
    own = view.index.rows(f"{called} AND model = ? AND NOT {of_all}", (model,))
    for rows in (own, view.index.rows(f"{called} AND {of_all}")):
        yield from takewhile(lambda row: row.kind == "freeze", reversed(rows))


def _served_again(view: LedgerView, model: str, left: Iterable[_Known]) -> bool:
    """Whether one that never served has the model of one that did, and may be out with it."""
    asked = f"SELECT version, digest FROM line JOIN fact USING (sequence) WHERE {SERVED}"  # noqa: S608  # our own text
    rows = view.index.database.execute(asked, (model,)).fetchall()
    versions, digests = {row[0] for row in rows}, {row[1] for row in rows}
    return any(each.version not in versions and each.digest in digests for each in left)
