"""The lookups of a declared source: some come with each batch, some stand for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ratchet.core.schema import ColumnType, Schema
from ratchet.core.sources.batch_source import Reading
from ratchet.core.sources.cut import Piece
from ratchet.core.sources.periods import period_of, period_start
from ratchet.errors import UsageError
from ratchet.io.sources.gather import Books, Gathering
from ratchet.io.sources.part import After, Part, TableSource
from ratchet.io.sources.spool import Spool

ALL = "all"
"""The one period of a lookup that stands for all batches."""


@dataclass
class PerBatch:
    """The lookups that come with each batch, read into a spool for the periods that are asked for."""

    sources: Mapping[str, TableSource]
    schema: Schema
    now: datetime
    _read: dict[str, tuple[Spool, Books]] = field(default_factory=dict)

    def read(self, periods: Collection[str], folder: Path) -> None:
        """Read what belongs to the periods. Raises ServiceFailed, DataRefused, UsageError."""
        for name, source in self.sources.items():
            spool = Spool(folder, _types(self.schema, name), name)
            self._read[name] = (spool, self._gathered(name, source, spool, periods))

    def newest(self) -> list[datetime]:
        """How far each lookup that is cut by time reaches."""
        cut = [books for name, (_, books) in self._read.items() if not self.sources[name].declared.named]
        return [books.newest for books in cut if books.newest]

    def rows(self, period: str) -> dict[str, int]:
        """The rows of each lookup in a period."""
        return {name: books.count(period) for name, (_, books) in self._read.items()}

    def readings(self, period: str) -> dict[str, tuple[Reading, ...]]:
        """What was read of each lookup for a period."""
        return {name: books.readings(period) for name, (_, books) in self._read.items()}

    def spools(self) -> dict[str, Spool]:
        """Where the rows are."""
        return {name: spool for name, (spool, _) in self._read.items()}

    def _gathered(self, name: str, source: TableSource, spool: Spool, periods: Collection[str]) -> Books:
        def choose(_: Part, piece: Piece) -> pa.Table | None:
            return piece.rows if piece.period in periods else None

        period = self.schema.rows.period
        if not source.declared.named and not (period and source.declared.time):
            raise UsageError(
                f"params.yaml: data.lookups.{name} comes with each batch, and nothing says which rows go together",
                next_step="name its time column, and rows.period in schema.yaml; or put {batch} into its path",
            )
        parts = [part for part in source.parts(sorted(periods)) if not part.batch or part.batch in periods]
        begin = period_of(min(periods), period) if period and source.declared.time else None
        after = After(time=period_start(begin, period).isoformat()) if begin and period else After()
        return Gathering(source, spool, period, source.declared.time, choose, self.now).read(parts, after)


def write_standing(sources: Mapping[str, TableSource], schema: Schema, now: datetime, folder: Path) -> dict[str, Path]:
    """Write each lookup that stands for all batches as Parquet into `folder`; returns their files."""
    written = {}
    for name, source in sources.items():
        spool = Spool(folder, _types(schema, name), name)
        parts = [_of_all(part) for part in source.parts([])]
        Gathering(source, spool, None, "", lambda _, piece: piece.rows, now).read(parts, After())
        if spool.periods():
            written[name] = folder / f"{name}.parquet"
            spool.write(ALL, written[name], "lookups")
    return written


def _of_all(part: Part) -> Part:
    return replace(part, batch=ALL)


def _types(schema: Schema, name: str) -> dict[str, ColumnType]:
    return {column: rule.type for column, rule in schema.lookups[name].columns.items()}
