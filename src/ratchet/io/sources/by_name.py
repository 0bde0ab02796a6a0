"""Files whose name says which batch they are: one file, or one folder of files, is one batch."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from ratchet.core.deliveries import late_name
from ratchet.core.schema import ROWS
from ratchet.core.sources.periods import period_end, period_of, periods_from
from ratchet.core.sources.taken import Taken
from ratchet.errors import BatchRefused, DataRefused, UsageError, Violation
from ratchet.io.batches import check_batch_name
from ratchet.io.sources.batch import Batch, Left, Wanted
from ratchet.io.sources.gather import Gathering
from ratchet.io.sources.lookups import PerBatch
from ratchet.io.sources.part import After, Part
from ratchet.io.sources.table_batches import Read, TableBatches


@dataclass(frozen=True, kw_only=True)
class ByName(TableBatches):
    """Takes the files of one batch after those of another, each read only when it is its turn."""

    def collect(self, wanted: Wanted, left: Left) -> Generator[Batch]:
        """Yield the batches of files that were not read before. See Source."""
        for name, parts in sorted(self._new(wanted, left).items()):
            with tempfile.TemporaryDirectory() as folder:
                yield self._batch(name, parts, wanted, Path(folder))

    def _new(self, wanted: Wanted, left: Left) -> dict[str, list[Part]]:
        found: dict[str, list[Part]] = {}
        for part in self.rows.parts(self._asked_for(wanted)):
            place = wanted.taken.place(check_batch_name(part.batch))
            if place == "early":
                left.before_first_files += 1
            if place in ("early", "unknown") or not wanted.reaches(part.batch) or self._here(part, wanted.taken):
                continue
            if self._complete(part.batch, wanted.now):
                found.setdefault(part.batch, []).append(part)
            else:
                left.open_periods.add(part.batch)
        return found

    def _here(self, part: Part, taken: Taken) -> bool:
        """Whether a file is in a batch that is here. Raises DataRefused if it is there in another version now."""
        known = taken.reading(part.url)
        if known is not None and not self.rows.same(part, known):
            raise DataRefused(
                f"{part.url} has changed since batch {part.batch} was made of it, and batches are immutable",
                next_step=f"publish a correction under a name of its own, such as {part.batch}-corrected, and put back "
                "the file",
            )
        return known is not None

    def _batch(self, period: str, parts: list[Part], wanted: Wanted, folder: Path) -> Batch:
        # One that is not here at all, such as one that was refused before, is no addition to anything.
        late = wanted.taken.late_number(period) if wanted.taken.names(period) else 0
        spool, lookups = self.spool(folder), PerBatch(self.per_batch, self.schema, wanted.now)
        time, calendar = self.schema.rows.time or "", self.schema.rows.period
        books = Gathering(self.rows, spool, calendar, time, lambda _, piece: piece.rows, wanted.now).read(
            parts, After()
        )
        if not spool.periods():
            violation = Violation(table=ROWS, column="*", rule="has no rows", count=0)
            raise BatchRefused(late_name(period, late), [violation])
        lookups.read([period], folder)
        return self.assembled(period, Read(spool, books, lookups), late=late)

    def _asked_for(self, wanted: Wanted) -> list[str]:
        """The batches that a server without a listing is asked for: all periods that are over and not here."""
        calendar, first = self.schema.rows.period, wanted.taken.oldest
        if calendar is None or not first or period_of(first, calendar) is None:
            return []
        names = takewhile(lambda name: period_end(name, calendar) <= wanted.now, periods_from(first, calendar))
        return [name for name in names if wanted.reaches(name) and not wanted.taken.names(name)]

    def _complete(self, name: str, now: datetime) -> bool:
        """Whether a file may be taken: it came whole, so only a declared lateness makes it wait, by the clock."""
        if not self.data.delay:
            return True
        calendar = self.schema.rows.period
        if calendar is None or period_of(name, calendar) is None:
            raise UsageError(
                f"params.yaml: data.lateness is {self.data.lateness}, and {name} names no period that could be over",
                next_step="name batches after periods and say rows.period in schema.yaml, or leave lateness out",
            )
        return period_end(name, calendar) + self.data.delay <= now
