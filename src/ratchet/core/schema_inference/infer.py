"""A schema for given data: what all batches have in common, with room, and what was guessed or is left to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
import pyarrow as pa

from ratchet.core.schema import ROWS, Column, Lookup, Reference, Rows, Schema
from ratchet.core.schema_inference.keys import find_key, is_key
from ratchet.core.schema_inference.questions import Named, columns_to_say, guessed, times_to_say
from ratchet.core.schema_inference.records import Given, Hints, Inferred, InferredTable
from ratchet.core.schema_inference.room import matched_required
from ratchet.core.schema_inference.tables import Typed, columns_of, require_columns, typed
from ratchet.core.schema_inference.times import named_after, outside, time_candidates
from ratchet.errors import DataRefused, UsageError


def infer_schema(given: Given, hints: Hints) -> Inferred:
    """Infer the schema of all tables.

    Raises DataRefused if the batches do not agree or rows have no key, UsageError if a hint cannot be followed.
    """
    found = typed(ROWS, _raws(ROWS, given), hints.texts.get(ROWS, ()))
    times = time_candidates(found.frames, found.types)
    time = _time(hints, found, times)
    key = _rows_key(hints, found, time)
    rows = InferredTable(found, key, columns_of(found, key, hints.after))
    lookups = {name: _lookup(name, given, hints) for name in _lookup_names(given)}
    period = named_after(found.frames, hints.zone) if time and hints.period else None
    misplaced = outside(found.frames, time, period) if period and time else 0
    schema = Schema(
        rows=Rows(key=key, columns=_columns(rows), time=time, period=None if misplaced else period,
                  references=list(_references(found, lookups, given))),
        lookups={name: Lookup(key=each.key, columns=_columns(each), per_batch=name not in given.standing)
                 for name, each in lookups.items()},
    )  # fmt: skip
    tables = {ROWS: rows, **lookups}
    asked = [*times_to_say(times, schema.rows, Named(period, misplaced)), *columns_to_say(tables, hints)]
    guesses = tuple(guessed(hints, schema.rows, tables))
    return Inferred(schema, guesses, tuple(asked), found.rows, tuple(given.batches))


def _raws(table: str, given: Given) -> dict[str, pa.Table]:
    if table in given.standing:
        return {"data/lookups": given.standing[table]}
    lacking = [batch for batch, tables in given.batches.items() if table not in tables]
    if lacking or not given.batches:
        raise DataRefused(
            f"there is no table {table} in {', '.join(lacking[:5]) or 'any batch'}",
            next_step="every batch has the same tables: infer from those that agree",
        )
    return {batch: tables[table] for batch, tables in given.batches.items()}


def _lookup_names(given: Given) -> list[str]:
    arriving = {name for tables in given.batches.values() for name in tables} - {ROWS}
    return [*sorted(arriving), *sorted(given.standing)]


def _lookup(name: str, given: Given, hints: Hints) -> InferredTable:
    found = typed(name, _raws(name, given), hints.texts.get(name, ()))
    times = time_candidates(found.frames, found.types)
    key = find_key([*found.frames.values()], found.types, time=times[0] if times else None)
    if key is None:
        raise _no_key(name, "entries of a lookup are joined by their key: make it unique at the source")
    return InferredTable(found, key, columns_of(found, key, ()))


def _time(hints: Hints, found: Typed, times: Sequence[str]) -> str | None:
    if hints.time is None:
        return times[0] if len(times) == 1 and times[0] not in hints.after else None
    require_columns([hints.time], found, "--time")
    if hints.time not in times:
        raise UsageError(
            f"--time names {hints.time}, which is of type {found.types[hints.time]} or missing in some rows",
            next_step=f"columns that can order the rows are {', '.join(times) or 'none'}",
        )
    return hints.time


def _rows_key(hints: Hints, found: Typed, time: str | None) -> list[str]:
    require_columns(hints.after, found, "--after")
    require_columns(hints.key, found, "--key")
    if not hints.key:
        key = find_key([*found.frames.values()], found.types, time=time, without=hints.after)
        if key is None:
            raise _no_key(ROWS, "add a number or a name of the row at the source; --key names columns to take")
        return key
    for batch, frame in found.frames.items():
        if not is_key(hints.key, [frame.unique()]) or any(frame[name].null_count() for name in hints.key):
            raise DataRefused(
                f"--key {','.join(hints.key)} does not tell the rows of {batch} apart, or is missing in some",
                next_step="without --key the smallest set of columns that does is looked for",
            )
    return list(hints.key)


def _no_key(table: str, next_step: str) -> DataRefused:
    return DataRefused(f"{table} has no key: no few columns without missing values tell all rows apart",
                       next_step=next_step)  # fmt: skip


def _columns(table: InferredTable) -> dict[str, Column]:
    return {name: each.column for name, each in table.columns.items()}


def _references(rows: Typed, lookups: Mapping[str, InferredTable], given: Given) -> Iterator[Reference]:
    """The lookups of whose keys the rows have the columns, and whose entries enough of them find."""
    for name, lookup in lookups.items():
        if any(rows.types.get(column) != lookup.found.types[column] for column in lookup.key):
            continue
        tables = lookup.found.frames
        if name in given.standing:
            tables = dict.fromkeys(rows.frames, next(iter(tables.values())))
        found = min(_matched(frame, tables[batch], lookup.key) for batch, frame in rows.frames.items())
        if (matched := matched_required(found)) is not None:
            yield Reference(lookup=name, columns=lookup.key, matched=matched)


def _matched(rows: pl.DataFrame, lookup: pl.DataFrame, key: Sequence[str]) -> float:
    """The share of rows that find an entry, as validation counts it."""
    here, there = rows.select(key), lookup.select(key).cast({name: rows.schema[name] for name in key}, strict=False)
    return here.join(there, on=list(key), how="semi").height / rows.height
