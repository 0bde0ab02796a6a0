"""Rows on their way into batches, on disk: what is read once, in any order, is written batch by batch.

Memory holds one chunk of rows, however large a batch is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ratchet.core.schema import ROWS, ColumnType
from ratchet.core.sources.columns import as_type, fits, fitting, plain
from ratchet.errors import BatchRefused, Violation

OPEN_AT_ONCE = 64
"""Files that are written at the same time; a process may not have many more."""
GROUP_ROWS = 1 << 17
"""Rows in one row group of a batch's Parquet file."""


@dataclass
class Spool:
    """The rows of one table, by period, in the order in which they were added."""

    folder: Path
    types: Mapping[str, ColumnType]
    table: str = ROWS
    _files: dict[str, list[Path]] = field(default_factory=dict)
    _open: OrderedDict[str, tuple[pa.Schema, Any]] = field(default_factory=OrderedDict)

    def add(self, period: str, rows: pa.Table) -> None:
        """Put rows behind the ones that are there."""
        rows = plain(rows)
        writer = self._writer(period, rows.schema)
        writer.write_table(rows)

    def periods(self) -> list[str]:
        """The periods of which there are rows."""
        return sorted(self._files)

    def write(self, period: str, path: Path, batch: str) -> None:
        """Write a period's rows as Parquet with the declared types, where they fit; otherwise they stay text.

        The bytes depend on the rows and their order alone. Raises BatchRefused if its files have different columns.
        """
        import pyarrow.parquet as pq

        self.close()
        schema = self._schema(period, batch)
        with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as out:
            for group in _groups(self._chunks(period, schema), schema):
                out.write_table(group, row_group_size=GROUP_ROWS)

    def close(self) -> None:
        """Finish all files that are being written."""
        while self._open:
            self._open.popitem()[1][1].close()

    def _writer(self, period: str, schema: pa.Schema) -> Any:
        known, writer = self._open.pop(period, (None, None))
        if known is None or not known.equals(schema):
            if writer is not None:
                writer.close()
            path = self.folder / f"{self.table}-{period}-{len(self._files.get(period, []))}.arrow"
            self._files.setdefault(period, []).append(path)
            writer = pa.ipc.new_file(path, schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        self._open[period] = (schema, writer)
        if len(self._open) > OPEN_AT_ONCE:
            self._open.popitem(last=False)[1][1].close()
        return writer

    def _schema(self, period: str, batch: str) -> pa.Schema:
        """The columns of a period, each of the first type that all of its values fit. Raises BatchRefused."""
        schemas = [schema for schema, _ in self._parts(period)]
        differ = sorted({name for other in schemas for name in {*other.names} ^ {*schemas[0].names}})
        if differ:
            raise self._refused(batch, dict.fromkeys(differ, "is in some files only"))
        parts = {name: [schema.field(name).type for schema in schemas] for name in schemas[0].names}
        possible = {name: list(fitting(kinds, self.types.get(name))) for name, kinds in parts.items()}
        torn = {name: f"is {' and '.join(sorted({*map(str, parts[name])}))}" for name in parts if not possible[name]}
        if torn:
            raise self._refused(batch, torn)
        for _, chunks in self._parts(period):
            for chunk in chunks:
                _narrow(possible, chunk)
        return pa.schema([pa.field(name, kinds[0]) for name, kinds in possible.items()])

    def _refused(self, batch: str, rules: Mapping[str, str]) -> BatchRefused:
        return BatchRefused(
            batch, [Violation(table=self.table, column=name, rule=rule, count=0) for name, rule in rules.items()]
        )

    def _parts(self, period: str) -> Iterator[tuple[pa.Schema, Iterator[pa.Table]]]:
        for path in self._files[period]:
            with pa.OSFile(str(path)) as file:
                reader = pa.ipc.open_file(file)
                yield (
                    reader.schema,
                    (pa.Table.from_batches([reader.get_batch(i)]) for i in range(reader.num_record_batches)),
                )

    def _chunks(self, period: str, schema: pa.Schema) -> Iterator[pa.Table]:
        for _, chunks in self._parts(period):
            for chunk in chunks:
                yield pa.table([as_type(chunk.column(each.name), each.type) for each in schema], schema=schema)


def _narrow(possible: Mapping[str, list[pa.DataType]], chunk: pa.Table) -> None:
    """Take away the types that a value of the chunk does not fit; the last one fits whatever comes."""
    for name, kinds in possible.items():
        while len(kinds) > 1 and not fits(chunk.column(name), kinds[0]):
            del kinds[0]


def _groups(chunks: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """The same rows in tables of GROUP_ROWS, so that bytes do not depend on how the rows came."""
    held = schema.empty_table()
    for chunk in chunks:
        held = pa.concat_tables([held, chunk])
        while held.num_rows >= GROUP_ROWS:
            yield held.slice(0, GROUP_ROWS).combine_chunks()
            held = held.slice(GROUP_ROWS)
    if held.num_rows:
        yield held.combine_chunks()
