"""The ledger, `ledger.jsonl` on its own git branch: appending is a compare-and-set push (see `ledger_branch`)."""

from __future__ import annotations

from collections.abc import Callable

from ratchet.core.ledger import Change, Entry, append, dump, load
from ratchet.errors import ChampionChanged
from ratchet.io.ledger_branch import RecordBranch, attempts

FILE = "ledger.jsonl"


class LedgerBranch(RecordBranch):
    """The record of what was put into service."""

    def read(self) -> tuple[Entry, ...]:
        """All entries, oldest first, with their chain verified. Raises TamperedFile, ServiceFailed."""
        return self.read_at(self.head())

    def read_at(self, head: str | None) -> tuple[Entry, ...]:
        """The same as it was at a commit of the branch."""
        return load(self.text(head, FILE))

    def append(self, decide: Callable[[tuple[Entry, ...]], Change]) -> Entry:
        """Read the ledger, let `decide` say what follows, and push it.

        Raises what `decide` raises, and ChampionChanged if somebody else was faster: nothing was written then.
        Whoever wrote to the branch's other files meanwhile is no rival.
        """
        head = self.head()
        entries = self.read_at(head)
        entry = append(entries, decide(entries))
        title = f"{entry.kind}: {entry.model} version {entry.version} serves\n\n{entry.reason}\n"
        for _ in attempts():
            if self.put(head, FILE, dump((*entries, entry)), title=title):
                return entry
            head = self.head()
            if self.read_at(head) != entries:
                break
        raise ChampionChanged(
            "somebody else wrote to the ledger first; nothing was written here",
            next_step="look at ratchet history, then run and judge again against the version that serves now",
        )
