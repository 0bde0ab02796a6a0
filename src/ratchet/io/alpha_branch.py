"""The alpha ledger, `alpha.jsonl` beside the ledger on its git branch: which looks at sealed rows were paid for.

Everybody who wants a level writes here first, and whoever loses a race asks again on top of what the winner wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.alpha_ledger import Charge, Entry, append, dump, load, of_model
from ratchet.errors import ServiceFailed
from ratchet.io.ledger_branch import RecordBranch, attempts

FILE = "alpha.jsonl"


@dataclass(frozen=True)
class AlphaBranch(RecordBranch):
    """The charges of `model`, and the answers to them; empty: those of all models."""

    model: str = ""

    def read(self) -> tuple[Entry, ...]:
        """The lines, oldest first, with the chain of all verified. Raises TamperedFile, ServiceFailed."""
        return self.read_at(self.head())

    def read_at(self, head: str | None) -> tuple[Entry, ...]:
        """The same as it was at a commit of the branch."""
        return self._own(load(self.text(head, FILE)))

    def append(self, decide: Callable[[tuple[Entry, ...]], Charge | None]) -> tuple[Entry, ...]:
        """Read the ledger, let `decide` say what follows, and push it; returns the lines as they are then.

        `decide` is asked again with the new lines each time somebody else was faster; None writes nothing.
        Raises what `decide` raises, and ServiceFailed if git cannot write there, or others are faster all the time.
        """
        for _ in attempts():
            head = self.head()
            entries = load(self.text(head, FILE))
            line = decide(self._own(entries))
            if line is None:
                return self._own(entries)
            entry = append(entries, line.model_copy(update={"model": self.model}) if self.model else line)
            if self.put(head, FILE, dump((*entries, entry)), title=_title(entry)):
                return (*self._own(entries), entry)
        raise ServiceFailed(
            f"{self.branch} was written by others at each of many attempts", next_step="try again in a minute"
        )

    def _own(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        return of_model(entries, self.model) if self.model else entries


def _title(entry: Entry) -> str:
    said = f"answer: {entry.answer}" if entry.answer else f"look {entry.run:,}"
    return f"{said}: holdout {entry.holdout[:12]}, challenger {entry.challenger[:12]}\n"
