"""Batches of several tables: what a source that reads table by table is made of, and how a batch is put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from ratchet.core.deliveries import late_name
from ratchet.core.schema import ROWS, Schema
from ratchet.core.sources.batch_source import BatchSource
from ratchet.core.sources.cut import written
from ratchet.core.sources.declared import Data
from ratchet.io.sources.batch import Batch
from ratchet.io.sources.gather import Books
from ratchet.io.sources.lookups import PerBatch, write_standing
from ratchet.io.sources.part import TableSource
from ratchet.io.sources.spool import Spool


@dataclass(frozen=True)
class Read:
    """What was read: the rows, the books of them, and the lookups that come with each batch."""

    spool: Spool
    books: Books
    lookups: PerBatch


@dataclass(frozen=True, kw_only=True)
class TableBatches:
    """The source of each table: of the rows, of lookups that come with each batch, of those that stand for all."""

    data: Data
    schema: Schema
    rows: TableSource
    per_batch: Mapping[str, TableSource]
    always: Mapping[str, TableSource]
    now: datetime

    def standing(self, folder: Path) -> Mapping[str, Path]:
        """Write the standing lookups. See Source."""
        return write_standing(self.always, self.schema, self.now, folder)

    def spool(self, folder: Path) -> Spool:
        """Where rows are kept until their batch is written."""
        return Spool(folder, {column: rule.type for column, rule in self.schema.rows.columns.items()})

    def assembled(self, period: str, read: Read, *, late: int) -> Batch:
        """The batch of a period; `late` is its number among those that came late, 0 for the period's own."""
        name = late_name(period, late)
        books, declared = read.books, self.data.rows
        spools = {ROWS: read.spool, **read.lookups.spools()}
        return Batch(
            name=name,
            writers={
                table: (".parquet", partial(each.write, period, batch=name))
                for table, each in spools.items()
                if period in each.periods()
            },
            rows={ROWS: books.count(period), **read.lookups.rows(period)},
            source=BatchSource(
                kind=declared.kind,
                period=period,
                rows=books.count(period),
                late=late,
                watermark=written(books.times.get(period)),
                arrived="" if declared.named else books.arrived.get(period, ""),
                late_rows="unknown" if declared.kind == "sql" and not declared.arrived else "known",
                tables={ROWS: books.readings(period), **read.lookups.readings(period)},
            ),
        )
