"""The champion's room: raw rows in, features out, or the reason why not.

Lives in the worker's process alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa

from ratchet.core.feature_table import check_features
from ratchet.core.raw_input import RawInput, requested_tables
from ratchet.core.schema import ROWS, Schema
from ratchet.errors import ServiceFailed
from ratchet.io.raw_input import lookup_file, read_raw_input, read_room_schema
from ratchet.io.room import build_function
from ratchet.io.tables import arrow, read_frame
from ratchet.serving.bodies import check_rows, object_with, row_list
from ratchet.serving.fields import clipped
from ratchet.serving.notes import Note
from ratchet.serving.raw.json_columns import NEXT, JsonTable
from ratchet.serving.raw.json_schema import row_schema
from ratchet.serving.raw.row_rules import check, unmatched
from ratchet.serving.raw.wire import Description
from ratchet.serving.refusal import RequestRefused

Build = Callable[[pd.DataFrame, dict[str, pd.DataFrame]], pd.DataFrame]
LOOKUPS = "lookups"
OUTCOME = " here: it is an outcome, known only afterwards"


@dataclass(frozen=True)
class Room:
    """A room's feature function, its schema, and the lookups that stand for all batches."""

    build: Build
    schema: Schema
    tables: Mapping[str, JsonTable]
    standing: Mapping[str, pd.DataFrame]
    record: RawInput

    @classmethod
    def load(cls, folder: Path) -> Room:
        """The room in a model folder that was verified. Raises ServiceFailed if the folder has none."""
        record = read_raw_input(folder)
        if record is None:
            raise ServiceFailed(f"{folder} has no raw/input.json", next_step="train and record the model again")
        schema = read_room_schema(folder / "src" / record.room)
        outcomes = dict.fromkeys(set(schema.rows.columns) - set(schema.known_before()), OUTCOME)
        return cls(
            build=build_function(folder, record.room),
            schema=schema,
            tables={
                name: JsonTable(name, table, frozenset(record.zoned[name]), outcomes if name == ROWS else {})
                for name, table in requested_tables(schema).items()
            },
            standing={name: read_frame(lookup_file(folder, name)) for name in record.lookups},
            record=record,
        )

    def describe(self) -> bytes:
        """What a request carries: a JSON Schema of a row of each table, and an example."""
        schemas = {name: row_schema(each.table, zoned=each.zoned) for name, each in self.tables.items()}
        return msgspec.json.encode(Description(schemas, self.record.example))

    def features(self, request: object, *, max_rows: int) -> tuple[pa.Table, list[Note]]:
        """The features of a decoded request, in the order of its rows, and what is to be noted of them.

        Raises RequestRefused.
        """
        typed = {name: self.tables[name].typed(rows) for name, rows in self._parts(request, max_rows).items()}
        frames = {name: pl.DataFrame(table) for name, table in typed.items()}
        notes = check(frames, {name: each.table for name, each in self.tables.items()})
        if self.schema.rows.references:
            standing = {name: pl.DataFrame(arrow(each)) for name, each in self.standing.items()}
            lookups = {**standing, **frames}
            notes += unmatched(frames[ROWS], lookups, self.schema.rows.references, self.schema.lookups)
        return self._built({name: table.to_pandas() for name, table in typed.items()}), notes

    def _parts(self, request: object, max_rows: int) -> dict[str, list[object]]:
        """The rows of each table of a request. Raises RequestRefused unless exactly these are there, as lists."""
        lookups = [name for name in self.tables if name != ROWS]
        body = object_with(request, [ROWS, *([LOOKUPS] if lookups else [])], next_step=NEXT)
        parts = {ROWS: body[ROWS]}
        if lookups:
            parts |= object_with(body[LOOKUPS], lookups, what=LOOKUPS, next_step=NEXT)
        lists = {name: row_list(name, rows, next_step=NEXT) for name, rows in parts.items()}
        check_rows(len(lists[ROWS]), max_rows)
        for name in lookups:
            if lists[name]:
                check_rows(len(lists[name]), max_rows, what=f"lookup {name}")
        return lists

    def _built(self, tables: Mapping[str, pd.DataFrame]) -> pa.Table:
        rows = tables[ROWS]
        lookups = {**self.standing, **{name: table for name, table in tables.items() if name != ROWS}}
        try:
            features = self._build(rows, lookups)
        except Exception as error:  # whatever a room raises, it is about these rows: the server lives on
            position, error = self._culprit(rows, lookups, error)
            raise RequestRefused(
                f"the feature function cannot read row {position}: {clipped(f'{type(error).__name__}: {error}')}",
                next_step="mend the row: each value is allowed, but not together; "
                "if the example in GET /model is refused too, it is the room's fault",
                status=422,
            ) from error
        return pa.Table.from_pandas(check_features(features, rows), preserve_index=False)

    def _build(self, rows: pd.DataFrame, lookups: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """What `build` makes of copies: what a room does to its tables must not reach the next request."""
        return self.build(rows.copy(), {name: table.copy(deep=False) for name, table in lookups.items()})

    def _culprit(
        self, rows: pd.DataFrame, lookups: Mapping[str, pd.DataFrame], error: Exception
    ) -> tuple[int, Exception]:
        """The position of a row that the function fails on, found by halves, and how it fails on it."""
        first, last = 0, len(rows)
        while last - first > 1:
            middle = (first + last) // 2
            try:
                self._build(rows.iloc[first:middle].reset_index(drop=True), lookups)
            except Exception as earlier:  # the same failure, in fewer rows
                last, error = middle, earlier
            else:
                first = middle
        return first, error
