"""What lineage asks of the ledger's index (`io.ledger_index`): which entries to read, and which names there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ratchet.core.lineage import PREFIX, VERSION
from ratchet.io.ledger_index import Row
from ratchet.io.ledger_view import LedgerView

NAMES = 200
"""Newest versions whose names are offered to somebody who mistyped one."""


def rows_about(view: LedgerView, model: str, text: str) -> list[Row]:
    """All about the versions that `text` may name: by number, by how their run or commit begins, by a batch."""
    number = VERSION.fullmatch(text)
    if number and not PREFIX.fullmatch(text):
        # So short a number begins very many hashes, and is meant to be none of them.
        return _of_version(view, model, int(number[1])) or view.about(model, text)
    return view.about(model, text)


def _of_version(view: LedgerView, model: str, version: int) -> list[Row]:
    return [row for row in view.of_version(model, version) if row.version == version]


def newest_versions(rows: Sequence[Row], most: int | None) -> tuple[list[Row], int]:
    """The rows of the `most` newest versions, and how many versions were left out."""
    numbers = sorted({row.version for row in rows if row.version is not None})
    kept = set(numbers if most is None else numbers[max(len(numbers) - most, 0) :])
    return [row for row in rows if row.version in kept], len(numbers) - len(kept)


def left_at(view: LedgerView, model: str) -> dict[int, str]:
    """When each version that was put into service was replaced, by the number of the entry that put it there."""
    return {before.sequence: after.time for before, after in pairwise(view.served(model))}


def commits_of(view: LedgerView, model: str) -> dict[str, int]:
    """The newest version of each commit."""
    asked = (
        "SELECT source, version FROM line WHERE model = ? AND source != '' AND version IS NOT NULL ORDER BY sequence"
    )
    return dict(view.index.database.execute(asked, (model,)).fetchall())


def names_of(view: LedgerView, model: str) -> list[str]:
    """The batches, versions and runs of the newest versions."""
    asked = "SELECT version, run_id, batches FROM line WHERE model = ? AND run_id != '' ORDER BY sequence DESC LIMIT ?"
    rows = view.index.database.execute(asked, (model, NAMES)).fetchall()
    batches = {name for _, _, text in rows for name in (text or "").split("\n") if name}
    return [*sorted(batches), *(f"v{version}" for version, _, _ in rows), *(run for _, run, _ in rows)]
