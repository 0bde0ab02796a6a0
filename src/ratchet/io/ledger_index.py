"""What this clone has seen of a ledger: which entry stands where, so that looking back reads few of them.

An SQLite file in git's own folder, which belongs to one clone and is never pushed. It is built of the branch and never
believed instead of it: it holds for exactly the blobs it was built from, a line is verified again when it is read, and
a file that is gone or broken is built anew. It also remembers each entry's hash: a branch that has lost or changed an
entry that this clone has seen is found, even where its chain holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from ratchet.core.chain import START, Place, split, verified
from ratchet.core.ledger import BROKEN, NAME
from ratchet.errors import RatchetError, ServiceFailed, TamperedFile
from ratchet.io.ledger_database import connected, transaction

ROW = "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

PLACE = 10
"""The segment's number among the columns of a row."""

Read = Callable[[Sequence[str]], Iterable[bytes]]


class Rewound(TamperedFile):
    """The branch ends before what this clone has seen: cut off, or asked about before somebody else wrote."""


class Row(NamedTuple):
    """Where an entry stands, and what it is about. `version` is None where it is about none."""

    sequence: int
    kind: str
    model: str
    version: int | None
    run_id: str
    time: str


class Found(NamedTuple):
    """Where an entry's line is: in this blob, these bytes of it; and the hash it has."""

    blob: str
    start: int
    size: int
    hash: str


@dataclass(frozen=True)
class LedgerIndex:
    """The index over an open database."""

    database: sqlite3.Connection

    def last(self) -> Place:
        """The newest entry that it knows."""
        row = self.database.execute("SELECT sequence, hash FROM line ORDER BY sequence DESC LIMIT 1").fetchone()
        return Place(*row) if row else START

    def segments(self) -> list[tuple[str, Place]]:
        """The blobs it was built from, in order, each with its last entry."""
        found = self.database.execute("SELECT blob, last, hash FROM segment ORDER BY place")
        return [(row[0], Place(*row[1:])) for row in found]

    def follow(self, blobs: Sequence[str], read: Read, *, accept: bool = False) -> None:
        """Go on to a ledger that is in `blobs`, oldest first; only those that are new are read.

        Raises TamperedFile if the chain does not hold, or an entry that was seen is another now or gone (then it is
        Rewound); with `accept` those are forgotten.
        """
        if [blob for blob, _ in self.segments()] == list(blobs):
            return
        with transaction(self.database):
            known = self.segments()
            same = sum(1 for _ in _alike(known, blobs))
            rows = list(_rows(blobs, same, known[same - 1][1] if same else START, read))
            begun = known[same - 1][1].sequence if same else 0
            if not accept:
                self._require_kept(begun, rows)
            self.database.execute("DELETE FROM line WHERE sequence > ?", (begun,))
            self.database.execute("DELETE FROM segment WHERE place >= ?", (same,))
            self._write(rows)
            ends = {row[PLACE]: (row[PLACE], blobs[row[PLACE]], row[0], row[1]) for row in rows}
            self.database.executemany("INSERT INTO segment VALUES (?, ?, ?, ?)", ends.values())

    def rows(self, where: str = "TRUE", values: Sequence[Any] = (), *, last: int = -1) -> list[Row]:
        """The entries that fit an SQL condition, oldest first; the `last` ones of them, unless that is negative."""
        columns = "sequence, kind, model, version, run_id, time"
        # The condition is our own text, and what people say is in `values`.
        asked = f"SELECT {columns} FROM line WHERE {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        return [Row(*row) for row in self.database.execute(asked, (*values, last))][::-1]

    def count(self, where: str = "TRUE", values: Sequence[Any] = ()) -> int:
        """How many entries fit an SQL condition."""
        return int(self.database.execute(f"SELECT count(*) FROM line WHERE {where}", values).fetchone()[0])  # noqa: S608  # as above

    def find(self, sequences: Iterable[int]) -> list[Found]:
        """Where these entries' lines are."""
        asked = "SELECT blob, start, size, line.hash FROM line JOIN segment USING (place) WHERE sequence = ?"
        return [Found(*self.database.execute(asked, (sequence,)).fetchone()) for sequence in sequences]

    def hashes(self, after: int = 0) -> list[Place]:
        """The entries that were seen, and their hashes, from the one after `after`."""
        found = self.database.execute("SELECT sequence, hash FROM line WHERE sequence > ? ORDER BY sequence", (after,))
        return [Place(*row) for row in found]

    def unlike(self, other: LedgerIndex) -> str:
        """Which entry this index says something else about than `other`; empty if there is none."""
        everything = "SELECT * FROM line ORDER BY sequence"
        both = zip_longest(self.database.execute(everything), other.database.execute(everything))
        wrong = ((one or two)[0] for one, two in both if one != two)
        return next((f"the index is wrong about entry {number}: delete {self.file}" for number in wrong), "")

    @property
    def file(self) -> str:
        """The database's path; empty for one in memory."""
        return str(self.database.execute("PRAGMA database_list").fetchone()[2])

    def _write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            self.database.executemany(ROW, rows)
        except (sqlite3.InterfaceError, sqlite3.ProgrammingError, OverflowError) as error:
            raise TamperedFile(f"{NAME} holds an entry that cannot be read: {error}", next_step=BROKEN) from error

    def _require_kept(self, begun: int, rows: Sequence[tuple[Any, ...]]) -> None:
        for seen, now in zip(self.hashes(begun), rows, strict=False):
            if seen.hash != now[1]:
                what = f"is another now than the one this clone has seen ({_words(self, seen)})"
                raise _lost(seen, what, TamperedFile)
        for seen in self.hashes(begun + len(rows))[:1]:
            raise _lost(seen, f"is gone: this clone has seen it ({_words(self, seen)})", Rewound)


@contextmanager
def open_index(path: Path | None) -> Iterator[LedgerIndex]:
    """The index in this file, made if it is not there; in memory where there is no path, or it cannot be written.

    Raises ServiceFailed if the disk does not do its part.
    """
    with closing(connected(path)) as database:
        try:
            yield LedgerIndex(database)
        except sqlite3.Error as error:
            raise ServiceFailed(
                f"the index of the {NAME}, {path or 'in memory'}, failed: {error}",
                next_step="free some space; or delete it, and it is built anew",
            ) from error


def _alike(known: Sequence[tuple[str, Place]], blobs: Sequence[str]) -> Iterator[str]:
    for (blob, _), asked in zip(known, blobs, strict=False):
        if blob != asked:
            return
        yield blob


def _rows(blobs: Sequence[str], first: int, last: Place, read: Read) -> Iterator[tuple[Any, ...]]:
    for place, text in enumerate(read(blobs[first:]), start=first):
        start = 0
        lines = split(text)
        for line, body in zip(lines, verified(lines, name=NAME, next_step=BROKEN, after=last), strict=True):
            last = Place(body["sequence"], body["hash"])
            yield (
                *last, body.get("kind"), body.get("model"), body.get("version"), body.get("run_id", ""),
                body.get("time"), body.get("everything", False), body.get("commit", ""), _batches(body), place, start,
                len(line),
            )  # fmt: skip
            start += len(line) + 1


def _batches(body: dict[str, Any]) -> str:
    """The names of the batches behind a version, each between line ends."""
    named = (body.get("trained_on", ()), body.get("batches", ()), body.get("judged_on", ()))
    names = sorted({str(name) for each in named if isinstance(each, dict | list) for name in each})
    return "\n".join(["", *names, ""]) if names else ""


def _words(index: LedgerIndex, seen: Place) -> str:
    row = index.rows("sequence = ?", (seen.sequence,))[0]
    return f"{row.kind} of {row.model}{f' version {row.version}' if row.version else ''}, {row.time}"


def _lost(seen: Place, what: str, kind: type[RatchetError]) -> RatchetError:
    return kind(
        f"{NAME} entry {seen.sequence} {what}",
        next_step="nothing is served or promoted by this branch: compare it with another clone. "
        "If it is right as it is now, ratchet ledger verify --accept forgets what this clone has seen",
    )
