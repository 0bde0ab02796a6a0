"""Overrides, `overrides.jsonl` beside the ledger on its git branch: who took which failed condition upon themselves."""

from __future__ import annotations

from collections.abc import Callable

from ratchet.core.override import Entry, Override, append, dump, load
from ratchet.errors import ServiceFailed
from ratchet.io.ledger_branch import RecordBranch, attempts

FILE = "overrides.jsonl"


class OverrideBranch(RecordBranch):
    """The overrides of all runs."""

    def read(self) -> tuple[Entry, ...]:
        """All lines, oldest first, with their chain verified. Raises TamperedFile, ServiceFailed."""
        return load(self.text(self.head(), FILE))

    def append(self, decide: Callable[[tuple[Entry, ...]], Override]) -> Entry:
        """Write one override on top of what is there, again if somebody else was faster.

        Raises what `decide` raises, and ServiceFailed if git cannot write there.
        """
        for _ in attempts():
            head = self.head()
            entries = load(self.text(head, FILE))
            entry = append(entries, decide(entries))
            title = f"override: {', '.join(entry.conditions)} by {entry.actor}\n\n{entry.reason}\n"
            if self.put(head, FILE, dump((*entries, entry)), title=title):
                return entry
        raise ServiceFailed(
            f"{self.branch} was written by others at each of many attempts", next_step="try again in a minute"
        )
