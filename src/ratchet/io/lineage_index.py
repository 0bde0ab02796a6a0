"""What lineage asks of the ledger's index (`io.ledger_index`): which entries to read, and which names there are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, zip_longest

from ratchet.core.lineage import PREFIX, VERSION
from ratchet.io.ledger_view import LedgerView

NAMES = 200
"""Newest versions whose names are offered to somebody who mistyped one."""
NAMED = """SELECT version, max(by_number), max(by_run), max(by_commit), max(by_batch) FROM (
    SELECT version, version IS ?1 AS by_number, instr(run_id, ?2) = 1 AS by_run, instr(source, ?2) = 1 AS by_commit,
    instr(batches, ?3) > 0 AS by_batch FROM line JOIN fact USING (sequence) WHERE model = ?4 AND version IS NOT NULL
) WHERE by_number OR by_run OR by_commit OR by_batch GROUP BY version"""
WAYS = range(1, 5)
"""The columns of that which say in which ways a version is named."""
Named = tuple[set[int], ...]
"""Versions, by the way in which a text names them."""


def versions_named(view: LedgerView, model: str, text: str) -> Named:
    """The versions that `text` may name: by number, by how their run or their commit begins, by a batch."""
    number = VERSION.fullmatch(text)
    version = int(number[1]) if number else -1
    if number and not PREFIX.fullmatch(text) and view.of_versions(model, [version]):
        # So short a number begins very many hashes, and is meant to be none of them.
        return ({version},)
    asked = (version, text.lower(), f"\n{text}\n", model)
    rows = view.index.database.execute(NAMED, asked).fetchall()
    return tuple({row[0] for row in rows if row[way]} for way in WAYS)


def newest_versions(named: Iterable[Named], most: int | None) -> tuple[set[int], int]:
    """Of each way in which versions are named the `most` newest ones, and how many versions are left out."""
    nothing: set[int] = set()
    ways = [nothing.union(*same) for same in zip_longest(*named, fillvalue=nothing)]
    kept = nothing.union(*(sorted(way, reverse=True)[:most] for way in ways))
    return kept, len(nothing.union(*ways)) - len(kept)


def left_at(view: LedgerView, model: str) -> dict[int, str]:
    """When each version that was put into service was replaced, by the number of the entry that put it there."""
    return {before.sequence: after.time for before, after in pairwise(view.served(model))}


def commits_of(view: LedgerView, model: str) -> dict[str, int]:
    """The newest version of each commit."""
    asked = (
        "SELECT source, version FROM line JOIN fact USING (sequence) WHERE model = ? AND source != '' "
        "AND version IS NOT NULL ORDER BY sequence"
    )
    return dict(view.index.database.execute(asked, (model,)).fetchall())


def names_of(view: LedgerView, model: str) -> list[str]:
    """The batches, versions and runs of the newest versions."""
    asked = (
        "SELECT version, run_id, batches FROM line JOIN fact USING (sequence) WHERE model = ? AND version IS NOT NULL "
        "AND run_id != '' ORDER BY sequence DESC LIMIT ?"
    )
    rows = view.index.database.execute(asked, (model, NAMES)).fetchall()
    batches = {name for _, _, text in rows for name in (text or "").split("\n") if name}
    return [*sorted(batches), *(f"v{version}" for version, _, _ in rows), *(run for _, run, _ in rows)]
