"""The ledger on its own git branch: appending is a compare-and-set push (see `ledger_branch`).

`ledger_segments` says in which files it is, `ledger_index` what this clone has seen of it, and where each entry is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from ratchet.core.chain import START, Link, Place
from ratchet.core.ledger import append, dump, load
from ratchet.core.ledger_entries import Entry, Event, Line
from ratchet.core.promotable import require_allowed
from ratchet.errors import ServiceFailed
from ratchet.io.git import git_says
from ratchet.io.ledger_branch import RecordBranch, attempts
from ratchet.io.ledger_index import LedgerIndex, Rewound, open_index
from ratchet.io.ledger_segments import FILE, appended, in_order
from ratchet.io.ledger_view import LedgerView

__all__ = ["FILE", "LedgerBranch"]

Placed = TypeVar("Placed", bound=Link)
REMEMBERED = 2_000
"""Segments whose entries a process keeps: what a blob holds never changes."""
_parsed: Final[OrderedDict[tuple[str, Place], tuple[Line, ...]]] = OrderedDict()


@dataclass(frozen=True)
class LedgerBranch(RecordBranch):
    """The record of what was registered, said about it, and put into service."""

    def read(self) -> tuple[Line, ...]:
        """All entries, oldest first, with their chain verified, and all there that this clone has seen.

        Raises TamperedFile, ServiceFailed. To look at few of many, `view` is quicker.
        """
        return self._read()[1]

    def read_at(self, head: str | None) -> tuple[Line, ...]:
        """The ledger as it was at a commit of the branch, whatever came later."""
        return self._load(in_order(self.blobs(head)))

    @contextmanager
    def view(self) -> Iterator[LedgerView]:
        """The ledger as it is, of which only those entries are read that are asked for. Raises what `read` does."""
        with self._followed() as (_, index):
            yield LedgerView(self, index)

    def champion(self, model: str) -> Entry | None:
        """The entry that put the serving version of a model into service. Raises what `read` does."""
        with self.view() as view:
            return view.champion(model)

    def accept(self) -> None:
        """Take the branch as it is now, if its chain holds, and forget what this clone has seen otherwise."""
        with open_index(self.index) as index:
            index.follow(in_order(self.blobs(self.head())), self.contents, accept=True)

    def segments(self, head: str | None) -> int:
        """How many files hold the ledger at a commit of the branch."""
        return len(in_order(self.blobs(head)))

    def remembered(self) -> list[Place]:
        """The entries that this clone has seen, oldest first."""
        with open_index(self.index) as index:
            return index.hashes()

    def misplaced(self, head: str | None) -> str:
        """What this clone's index says otherwise than the branch at a commit; empty if it is right."""
        with open_index(self.index) as kept, open_index(None) as made:
            made.follow(in_order(self.blobs(head)), self.contents)
            return kept.unlike(made)

    def append(self, decide: Callable[[tuple[Line, ...]], Event], made: type[Placed]) -> Placed:
        """Read the ledger, let `decide` say what follows, and push it; returns the entry, which is a `made`.

        Of two who promote at once one wins: the other's `decide` is asked again, and finds another champion.
        Raises what `decide` and `require_allowed` raise, and ServiceFailed if git cannot write there, or others are
        faster all the time.
        """
        found = self.append_unless(decide, made)
        if found is None:
            raise ServiceFailed("nothing was to be written into the ledger", next_step="ratchet history")
        return found

    def append_unless(self, decide: Callable[[tuple[Line, ...]], Event | None], made: type[Placed]) -> Placed | None:
        """The same, but nothing is written, and None returned, where `decide` finds that nothing has to follow."""
        for _ in attempts():
            head, entries = self._read()
            event = decide(entries)
            if event is None:
                return None
            require_allowed(entries, event)
            entry = append(entries, event)
            if not isinstance(entry, made):
                raise TypeError(f"{entry.kind} is no {made.__name__}")
            if self._push(head, entry):
                return entry
        raise ServiceFailed(
            f"{self.branch} was written by others at each of many attempts", next_step="try again in a minute"
        )

    @property
    def index(self) -> Path | None:
        """Where this clone remembers what it has seen; None where the folder is in no repository."""
        git_folder = _git_folder(self.root)
        name = sha256(f"{self.remote} {self.branch}".encode()).hexdigest()[:16]
        return git_folder / "ratchet" / f"ledger-{name}.db" if git_folder else None

    def _read(self) -> tuple[str | None, tuple[Line, ...]]:
        with self._followed() as (head, index):
            return head, self._load([blob for blob, _ in index.segments()])

    @contextmanager
    def _followed(self) -> Iterator[tuple[str | None, LedgerIndex]]:
        """The branch's newest commit, and the index that was brought up to it."""
        with open_index(self.index) as index:
            head = self.head()
            while not self._follow(index, head):
                # Somebody wrote, and another process of this clone saw it, after the head was asked for.
                head = self.head()
            yield head, index

    def _follow(self, index: LedgerIndex, head: str | None) -> bool:
        """Whether the index could be brought up to this head. False: the branch is further by now; ask again."""
        try:
            index.follow(in_order(self.blobs(head)), self.contents)
        except Rewound:
            if self.head() == head:
                raise
            return False
        return True

    def _push(self, head: str | None, entry: Line) -> bool:
        blobs = self.blobs(head)
        changed = appended(blobs, dump((entry,)).removesuffix("\n"), read=self._content, keep=self.blob)
        commit = self.put_blobs(head, {**blobs, **changed}, title=_title(entry))
        if commit is None:
            return False
        with open_index(self.index) as index:
            self._follow(index, commit)
        return True

    def _content(self, blob: str) -> bytes:
        return next(self.contents([blob]))

    def _load(self, blobs: list[str]) -> tuple[Line, ...]:
        """The entries of these segments; those that this process has read before are not read again."""
        entries: list[Line] = []
        last = START
        known = {blob for blob, _ in list(_parsed)}
        new = [blob for blob in blobs if blob not in known]
        texts = dict(zip(new, self.contents(new), strict=True))
        for blob in blobs:
            found = _parsed.get((blob, last))
            if found is None:
                found = load(texts[blob] if blob in texts else self._content(blob), after=last)
                _parsed[blob, last] = found
            entries += found
            last = Place(entries[-1].sequence, entries[-1].hash) if entries else START
        while len(_parsed) > REMEMBERED:
            _parsed.popitem(last=False)
        return tuple(entries)


@cache
def _git_folder(root: Path) -> Path | None:
    """Git's own folder of this clone, which all its work trees share."""
    said = git_says(["rev-parse", "--path-format=absolute", "--git-common-dir"], cwd=root)
    return Path(said) if said else None


def _title(entry: Line) -> str:
    version = getattr(entry, "version", None)
    return f"{entry.kind}: {entry.model}{f' version {version}' if version else ''}\n\n{entry.reason}\n"
