"""One table of the schema, from its raw tables in every batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from ratchet.core.conform import conform
from ratchet.core.schema import Column, ColumnType, Table, is_column_name
from ratchet.core.schema_inference.columns import InferredColumn, infer_column
from ratchet.core.schema_inference.types import column_type
from ratchet.errors import DataRefused, UsageError


@dataclass(frozen=True)
class Typed:
    """A table as it came, with the types that all of its batches share."""

    name: str
    types: Mapping[str, ColumnType]
    frames: Mapping[str, pl.DataFrame]

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return sum(frame.height for frame in self.frames.values())


def typed(name: str, raws: Mapping[str, pa.Table], texts: Collection[str]) -> Typed:
    """Find the types of table `name`, and read its batches by them; columns of `texts` are text in any case.

    Raises DataRefused if there are no rows, the batches have other columns, or a column has values that no type takes.
    """
    columns = _common_columns(name, raws)
    types = {column: _type(name, column, raws, text=column in texts) for column in columns}
    table = Table(key=columns[:1], columns={column: Column(type=kind) for column, kind in types.items()})
    frames = {batch: pl.DataFrame(conform(raw, table, name=name)[0]) for batch, raw in raws.items()}
    for column, kind in types.items():
        if kind == "timestamp" and len({frame.schema[column] for frame in _with_values(column, frames)}) > 1:
            raise DataRefused(
                f"{name}.{column} has a time zone in some batches and none in others",
                next_step="write it the same way in all of them, at their source",
            )
    return Typed(name, types, frames)


def columns_of(found: Typed, key: Sequence[str], after: Collection[str]) -> dict[str, InferredColumn]:
    """The columns of a table whose key is known; those of `after` are outcomes."""
    return {
        name: infer_column(
            kind,
            [frame[name] for frame in found.frames.values()],
            known="after" if name in after else "before",
            in_key=name in key,
        )
        for name, kind in found.types.items()
    }


def require_columns(names: Collection[str], found: Typed, option: str) -> None:
    """Raise UsageError if a column that a person named is not there."""
    for name in names:
        if name not in found.types:
            raise UsageError(
                f"{option} names {name!r}, which is no column of {found.name}: {', '.join(found.types)}",
                next_step="name columns as the file does",
            )


def _with_values(column: str, frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    return [frame for frame in frames.values() if frame[column].null_count() < frame.height]


def _common_columns(name: str, raws: Mapping[str, pa.Table]) -> list[str]:
    (first, raw), *others = raws.items()
    columns = list(raw.column_names)
    for batch, each in raws.items():
        if each.num_rows == 0:
            raise DataRefused(f"{name} of {batch} has no rows: nothing can be inferred", next_step="leave it out")
    for batch, each in others:
        if odd := sorted({*columns} ^ {*each.column_names}):
            raise DataRefused(
                f"{name} has other columns in {batch} than in {first}: {', '.join(odd[:5])}",
                next_step="one schema is for all batches: mend them at their source, or infer from those that agree",
            )
    for column in columns:
        if columns.count(column) > 1 or not is_column_name(column):
            raise DataRefused(
                f"{name} has a column called {column!r}, which is there twice or can be no column's name",
                next_step="rename it at the source",
            )
    return columns


def _type(table: str, column: str, raws: Mapping[str, pa.Table], *, text: bool) -> ColumnType:
    found = column_type(column, [*raws.values()], text=text)
    if found is None:
        kinds = sorted({str(raw.column(column).type) for raw in raws.values()})
        raise DataRefused(
            f"{table}.{column} is of type {', '.join(kinds)}: no type of schema.yaml takes all of its values",
            next_step="the types are string, integer, number, boolean, timestamp: turn it into one at the source",
        )
    return found
