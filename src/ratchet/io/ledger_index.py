"""What this clone has seen of a ledger: which entry stands where, so that looking back reads few of them.

An SQLite file in git's own folder, which belongs to one clone and is never pushed. It is built of the branch and never
believed instead of it: it holds for exactly the blobs it was built from, a line is verified again when it is read, and
a file that is gone or broken is built anew. It also remembers each entry's hash: a branch that has lost or changed an
entry that this clone has seen is found, even where its chain holds.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from json import dumps
from pathlib import Path
from typing import Any, NamedTuple

from ratchet.core.chain import START, Place
from ratchet.core.ledger import BROKEN, NAME
from ratchet.errors import RatchetError, ServiceFailed, TamperedFile
from ratchet.io.ledger_database import connected, transaction
from ratchet.io.ledger_rows import HASH, SegmentRows, segment_rows, span, unpacked

ROW = "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?)"
FACT = "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SEGMENT = "INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?)"

EVERYTHING = (
    "SELECT * FROM line LEFT JOIN fact USING (sequence) ORDER BY sequence",
    "SELECT last, blob, hash, seen, ends FROM segment ORDER BY place",
)
"""What an index says, in order."""
Read = Callable[[Sequence[str]], Iterable[bytes]]


class Rewound(TamperedFile):
    """The branch ends before what this clone has seen: cut off, or asked about before somebody else wrote."""


class Row(NamedTuple):
    """Where an entry stands, and what it is about. `version` is None where it is about none."""

    sequence: int
    kind: str
    model: str
    version: int | None
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
        row = self.database.execute("SELECT last, hash FROM segment ORDER BY place DESC LIMIT 1").fetchone()
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
        known = self.segments()
        if [blob for blob, _ in known] == list(blobs):
            return
        with transaction(self.database):
            known = self.segments()
            same = sum(1 for _ in _alike(known, blobs))
            last = known[same - 1][1] if same else START
            seen = iter(() if accept else self.hashes(last.sequence))
            self.database.execute("DELETE FROM segment WHERE place >= ?", (same,))
            for place, text in enumerate(read(blobs[same:]), start=same):
                found = segment_rows(text, last)
                self._require_same(seen, found.hashes)
                last = found.last(last)
                self._write(found)
                self.database.execute(SEGMENT, (place, blobs[place], *last, found.seen, found.ends.tobytes()))
            for gone in seen:
                raise _lost(gone, f"is gone: this clone has seen it ({_words(self, gone)})", Rewound)
            for table in ("line", "fact"):
                self.database.execute(f"DELETE FROM {table} WHERE sequence > ?", (last.sequence,))  # noqa: S608  # our own

    def rows(self, where: str = "TRUE", values: Sequence[Any] = (), *, last: int = -1) -> list[Row]:
        """The entries that fit an SQL condition, oldest first; the `last` ones of them, unless that is negative."""
        columns = "sequence, kind, model, version, time"
        # The condition is our own text, and what people say is in `values`.
        asked = f"SELECT {columns} FROM line WHERE {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        return [Row(*row) for row in self.database.execute(asked, (*values, last))][::-1]

    def count(self, where: str = "TRUE", values: Sequence[Any] = ()) -> int:
        """How many entries fit an SQL condition."""
        return int(self.database.execute(f"SELECT count(*) FROM line WHERE {where}", values).fetchone()[0])  # noqa: S608  # as above

    def find(self, sequences: Sequence[int]) -> list[Found]:
        """Where these entries' lines are."""
        lasts = [row[0] for row in self.database.execute("SELECT last FROM segment ORDER BY place")]
        places = [min(bisect_left(lasts, sequence), len(lasts) - 1) for sequence in sequences]
        asked = "SELECT place, blob, last, seen, ends FROM segment WHERE place IN (SELECT value FROM json_each(?))"
        segments = {row[0]: row[1:] for row in self.database.execute(asked, (dumps(sorted(set(places))),))}
        return [_found(sequence, *segments[place]) for sequence, place in zip(sequences, places, strict=True)]

    def hashes(self, after: int = 0) -> list[Place]:
        """The entries that were seen, and their hashes, from the one after `after`."""
        found = self.database.execute("SELECT last, seen FROM segment WHERE last > ? ORDER BY place", (after,))
        return [entry for row in found for entry in unpacked(*row) if entry.sequence > after]

    def unlike(self, other: LedgerIndex) -> str:
        """Which entry this index says something else about than `other`; empty if there is none."""
        for asked in EVERYTHING:
            both = zip_longest(self.database.execute(asked), other.database.execute(asked))
            for number in ((one or two)[0] for one, two in both if one != two):
                return f"the index is wrong about entry {number}: delete {self.file}"
        return ""

    @property
    def file(self) -> str:
        """The database's path; empty for one in memory."""
        return str(self.database.execute("PRAGMA database_list").fetchone()[2])

    def _write(self, found: SegmentRows) -> None:
        try:
            self.database.executemany(ROW, found.lines)
            self.database.executemany(FACT, found.facts)
        except (sqlite3.InterfaceError, sqlite3.ProgrammingError, OverflowError) as error:
            raise TamperedFile(f"{NAME} holds an entry that cannot be read: {error}", next_step=BROKEN) from error

    def _require_same(self, seen: Iterator[Place], hashes: Iterable[str]) -> None:
        """The next entries that this clone has seen have these hashes, as far as it has seen any."""
        for now, before in zip(hashes, seen, strict=False):
            if before.hash != now:
                what = f"is another now than the one this clone has seen ({_words(self, before)})"
                raise _lost(before, what, TamperedFile)


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


def _found(sequence: int, blob: str, last: int, seen: bytes, ends: bytes) -> Found:
    place = sequence - last + len(seen) // HASH - 1
    return Found(blob, *span(ends, place), seen[HASH * place : HASH * (place + 1)].hex())


def _words(index: LedgerIndex, seen: Place) -> str:
    row = index.rows("sequence = ?", (seen.sequence,))[0]
    return f"{row.kind} of {row.model}{f' version {row.version}' if row.version else ''}, {row.time}"


def _lost(seen: Place, what: str, kind: type[RatchetError]) -> RatchetError:
    return kind(
        f"{NAME} entry {seen.sequence} {what}",
        next_step="nothing is served or promoted by this branch: compare it with another clone. "
        "If it is right as it is now, ratchet ledger verify --accept forgets what this clone has seen",
    )
