"""Rows that come in any order, cut into batches by the period of their time. What comes late is a batch of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

import pyarrow as pa

from ratchet.core.schema import Period
from ratchet.core.sources.cut import Piece, arrivals, arrived_after
from ratchet.core.sources.periods import period_end, periods_from
from ratchet.errors import DataRefused
from ratchet.io.sources.batch import Batch, Left, Wanted
from ratchet.io.sources.gather import Books, Gathering
from ratchet.io.sources.lookups import PerBatch
from ratchet.io.sources.part import After, Part
from ratchet.io.sources.spool import Spool
from ratchet.io.sources.table_batches import Read, TableBatches


@dataclass(frozen=True, kw_only=True)
class ByPeriod(TableBatches):
    """Cuts the rows of one source by `period`; lookups per batch are cut by the same calendar."""

    period: Period
    time: str

    def collect(self, wanted: Wanted, left: Left) -> Generator[Batch]:
        """Yield late rows and complete periods. See Source."""
        with tempfile.TemporaryDirectory() as name:
            spool = self.spool(Path(name))
            books = self._gathered(wanted, left, spool)
            lookups = PerBatch(self.per_batch, self.schema, wanted.now)
            if spool.periods():
                lookups.read(spool.periods(), Path(name))
            reached = self._watermark(wanted.now, [each for each in (books.newest, *lookups.newest()) if each])
            for period in spool.periods():
                if self._complete(period, reached):
                    late = wanted.taken.late_number(period) if wanted.taken.place(period) == "late" else 0
                    yield self.assembled(period, Read(spool, books, lookups), late=late)
                else:
                    left.open_periods.add(period)

    def _gathered(self, wanted: Wanted, left: Left, spool: Spool) -> Books:
        choice = RowChoice(self, wanted, left)
        gathering = Gathering(self.rows, spool, self.period, self.time, choice.rows, wanted.now)
        for part in self.rows.parts([]):
            if choice.needed(part):
                gathering.read([part], self._after(wanted))
                choice.require_nothing_lost(part, gathering.books)
        return gathering.books

    def _after(self, wanted: Wanted) -> After:
        taken = wanted.taken
        if not taken.newest or (self.rows.declared.arrived and not taken.arrivals_before):
            return After()
        return After(time=period_end(taken.newest, self.period).isoformat(), arrived=taken.arrivals_before)

    def _watermark(self, now: datetime, newest: list[datetime]) -> datetime | None:
        return now if self.data.watermark == "clock" else min(newest, default=None)

    def _complete(self, period: str, reached: datetime | None) -> bool:
        return reached is not None and period_end(period, self.period) + self.data.delay <= reached


@dataclass(frozen=True)
class RowChoice:
    """Which rows of which file are new, late, or here already."""

    cut: ByPeriod
    wanted: Wanted
    left: Left

    def needed(self, part: Part) -> bool:
        """Whether a part may hold rows that are not here."""
        taken = self.wanted.taken
        known = taken.reading(part.url)
        if known is None or not known.last or not self._same(part):
            return True
        held = takewhile(lambda period: period <= known.last, periods_from(known.first, self.cut.period))
        open_ones = (period for period in held if taken.place(period) in ("late", "new"))
        return any(not taken.rows_from(part.url, period) for period in open_ones)

    def rows(self, part: Part, piece: Piece) -> pa.Table | None:
        """The rows of a piece that are to be taken."""
        place = self.wanted.taken.place(piece.period)
        if place == "early":
            self.left.before_first += piece.rows.num_rows
        if place in ("early", "unknown") or not self.wanted.reaches(piece.period):
            return None
        if place == "new":
            return piece.rows if self._over(piece.period) else None
        if part.query and not self.cut.rows.declared.arrived:
            return None
        if self.cut.rows.declared.arrived:
            found = arrivals(piece.rows, self.cut.rows.declared.arrived, self.cut.period)
            return arrived_after(piece.rows, found, self.wanted.taken.newest_arrival(piece.period))
        return None if self.wanted.taken.rows_from(part.url, piece.period) else piece.rows

    def require_nothing_lost(self, part: Part, books: Books) -> None:
        """Raises DataRefused if a file that has changed gave another number of rows to a period that was cut."""
        taken = self.wanted.taken
        if self.cut.rows.declared.arrived or part.query or self._same(part) or taken.reading(part.url) is None:
            return
        periods = sorted({name for name, url in books.seen if url == part.url})
        for period in periods:
            before, found = taken.rows_from(part.url, period), books.seen[period, part.url]
            if taken.place(period) == "late" and before not in (0, found):
                raise DataRefused(
                    f"{part.url} has changed: it has {found:,} rows of {period}, of which {before:,} were taken, and "
                    "nothing says which ones are new",
                    next_step="publish late rows as a file of their own, or declare the column that says when a row "
                    "came (arrived: …); docs/sources.md",
                )
        if not any(books.rows[period, part.url] for period in periods):
            self.left.edited.add(part.url)

    def _same(self, part: Part) -> bool:
        known = self.wanted.taken.reading(part.url)
        return known is not None and self.cut.rows.same(part, known)

    def _over(self, period: str) -> bool:
        """Whether a period is over by the clock: before that, nothing can make it complete."""
        over = period_end(period, self.cut.period) <= self.wanted.now
        if not over:
            self.left.open_periods.add(period)
        return over
