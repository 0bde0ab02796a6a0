"""Looking back over a long ledger: what is asked for is found by the index, and only that is read from git."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from json import dumps
from typing import cast

from pydantic import ValidationError

from ratchet.core.chain import Place
from ratchet.core.ledger import BROKEN, NAME
from ratchet.core.ledger_entries import LINE, Entry, Line
from ratchet.errors import TamperedFile
from ratchet.io.ledger_branch import RecordBranch
from ratchet.io.ledger_index import Found, LedgerIndex, Row

SERVED = "model = ? AND kind IN ('promotion', 'rollback')"
CONCERNS = "(model = ? OR sequence IN (SELECT sequence FROM fact WHERE everything))"
OF_ITS_RUNS = """sequence IN (SELECT sequence FROM fact WHERE run_id IN (
    SELECT run_id FROM line JOIN fact USING (sequence) WHERE model = ? AND version = ?
))"""


@dataclass(frozen=True)
class LedgerView:
    """The ledger as it is on its branch."""

    branch: RecordBranch
    index: LedgerIndex

    @property
    def last(self) -> Place:
        """The newest entry's number and hash: whoever knows the hash can tell whether anything before it changed."""
        return self.index.last()

    def served(self, model: str) -> list[Row]:
        """The promotions and rollbacks of a model, oldest first."""
        return self.index.rows(SERVED, (model,))

    def concerning(self, model: str) -> list[Row]:
        """All about one model, and what was said of all, oldest first."""
        return self.index.rows(CONCERNS, (model,))

    def rows(self, model: str, *kinds: str) -> list[Row]:
        """The entries of these kinds about a model, oldest first."""
        return self.index.rows(f"model = ? AND kind IN ({', '.join('?' * len(kinds))})", (model, *kinds))

    def of_version(self, model: str, version: int) -> list[Row]:
        """All about one version, oldest first: with overrides of its run, and what took it out of service."""
        own = self.index.rows("model = ? AND version = ?", (model, version))
        overridden = self.index.rows(f"model = ? AND kind = 'override' AND {OF_ITS_RUNS}", (model, model, version))
        left = [after for before, after in pairwise(self.served(model)) if before.version == version]
        return sorted({*own, *overridden, *left})

    def of_versions(self, model: str, versions: Iterable[int]) -> list[Row]:
        """The entries that are about one of these versions, oldest first."""
        asked = "model = ? AND version IN (SELECT value FROM json_each(?))"
        return self.index.rows(asked, (model, dumps(list(versions))))

    def champion(self, model: str) -> Entry | None:
        """The entry that put the serving version into service."""
        return self._change(self.index.rows(SERVED, (model,), last=1))

    def champion_at(self, model: str, moment: datetime) -> Entry | None:
        """The entry of the version that served at `moment` (timezone-aware)."""
        return self._change([row for row in self.served(model) if datetime.fromisoformat(row.time) <= moment])

    def entries(self, rows: Iterable[Row]) -> tuple[Line, ...]:
        """The entries themselves. Raises TamperedFile if one is not what the index says."""
        asked = [row.sequence for row in rows]
        found = self.index.find(asked)
        blobs = list(dict.fromkeys(each.blob for each in found))
        texts = dict(zip(blobs, self.branch.contents(blobs), strict=True))
        return tuple(_read(texts[each.blob], each, number) for number, each in zip(asked, found, strict=True))

    def _change(self, rows: Sequence[Row]) -> Entry | None:
        return cast(Entry, self.entries(rows[-1:])[0]) if rows else None


def _read(text: bytes, found: Found, number: int) -> Line:
    """One line of a blob, if it is that entry and has the hash that the chain was verified with."""
    line = text[found.start : found.start + found.size]
    try:
        entry: Line = LINE.validate_json(line)
    except ValidationError as error:
        raise TamperedFile(f"{NAME} entry {number} cannot be read", next_step=BROKEN) from error
    if entry.sequence != number or entry.hash != found.hash:
        raise TamperedFile(f"{NAME} entry {number} is not where the index says", next_step=BROKEN)
    return entry
