"""Reading the parts of one table into a spool, and keeping the books: what was read, how much of it, up to when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from ratchet.core.schema import Period
from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.cut import Cutter, Piece, arrivals, newest_arrival, newest_time
from ratchet.core.sources.periods import moments
from ratchet.core.sources.taken import arrival_order
from ratchet.errors import DataRefused
from ratchet.io.sources.part import After, Opened, Part, TableSource
from ratchet.io.sources.spool import Spool

Choose = Callable[[Part, Piece], pa.Table | None]
"""Which rows of a piece are wanted."""


@dataclass
class Books:
    """What was read of one table."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows that were kept, by period and URL."""
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows that there were, kept or not."""
    newest: datetime | None = None
    """The newest time that has been, of all rows."""
    times: dict[str, datetime] = field(default_factory=dict)
    """By period, the newest time among the kept rows."""
    arrived: dict[str, str] = field(default_factory=dict)
    """By period, the newest arrival among the kept rows."""
    read: dict[str, tuple[Part, Opened]] = field(default_factory=dict)

    def count(self, period: str) -> int:
        """Rows that were kept of a period."""
        return sum(number for (name, _), number in self.rows.items() if name == period)

    def readings(self, period: str) -> tuple[Reading, ...]:
        """What gave rows to a period, in the order of reading."""
        return tuple(self._reading(url, period) for url in self.read if self.rows[period, url])

    def _reading(self, url: str, period: str) -> Reading:
        part, opened = self.read[url]
        held = sorted(name for name, of in self.seen if of == url)
        return Reading(
            url=url,
            rows=self.rows[period, url],
            size=opened.size,
            etag=part.etag,
            sha256=opened.sha256,
            # A query begins where it is asked to: what it gave once says nothing of what it holds.
            first=held[0] if not part.query else "",
            last=held[-1] if not part.query else "",
        )


@dataclass
class Gathering:
    """Reads the parts of `source` into `spool`; `time` is the column to cut by, unless parts are of one batch each."""

    source: TableSource
    spool: Spool
    period: Period | None
    time: str
    choose: Choose
    now: datetime
    books: Books = field(default_factory=Books)

    def read(self, parts: Iterable[Part], after: After) -> Books:
        """Read all parts. Raises ServiceFailed, DataRefused."""
        for part in parts:
            with self.source.open(part, after) as opened:
                self.books.read[part.url] = (part, opened)
                for piece in self._pieces(part, opened.chunks):
                    self._keep(part, piece)
        return self.books

    def _keep(self, part: Part, piece: Piece) -> None:
        self.books.seen[piece.period, part.url] += piece.rows.num_rows
        if piece.newest:
            self.books.newest = max(self.books.newest or piece.newest, piece.newest)
        rows = self.choose(part, piece)
        if rows is None or not rows.num_rows:
            return
        self.books.rows[piece.period, part.url] += rows.num_rows
        self.spool.add(piece.period, rows)
        self._note(piece, rows)

    def _note(self, piece: Piece, rows: pa.Table) -> None:
        """Write down up to when the kept rows reach, by their time and by their arrival."""
        if self.period is None:
            return
        newest = piece.newest
        if rows is not piece.rows:
            newest = newest_time(moments(rows.column(self.time), self.period), self.now)
        if newest:
            self.books.times[piece.period] = max(self.books.times.get(piece.period, newest), newest)
        if self.source.declared.arrived:
            found = newest_arrival(arrivals(rows, self.source.declared.arrived, self.period))
            self.books.arrived[piece.period] = max(self.books.arrived.get(piece.period, ""), found, key=arrival_order)

    def _pieces(self, part: Part, chunks: Iterator[pa.Table]) -> Iterator[Piece]:
        cutter = None if part.batch or self.period is None else Cutter(self.time, self.period, self.now)
        for chunk in chunks:
            self._require_columns(part, chunk)
            if cutter is None:
                yield Piece(period=part.batch, rows=chunk)
                continue
            if not chunk.num_rows:
                continue
            try:
                yield from cutter.cut(chunk)
            except ValueError as error:
                raise DataRefused(
                    f"{part.url}: {error}; nothing was taken of it",
                    next_step="times are ISO 8601, such as 2013-07-01T04:00:00Z; or name another column as time",
                ) from error

    def _require_columns(self, part: Part, chunk: pa.Table) -> None:
        twice = sorted({name for name in chunk.column_names if chunk.column_names.count(name) > 1})
        if twice:
            raise DataRefused(
                f"{part.url} has more than one column {', '.join(twice)}; nothing was taken of it",
                next_step="let each column have a name of its own at the source",
            )
        needed = [self.source.declared.arrived, "" if part.batch or self.period is None else self.time]
        for name in filter(None, needed):
            if name not in chunk.column_names:
                raise DataRefused(
                    f"{part.url} has no column {name}, by which rows are taken; it has {', '.join(chunk.column_names)}",
                    next_step="add the column at its source, or name another one under data in params.yaml",
                )
