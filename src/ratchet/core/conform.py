"""Parsing: a raw table becomes a typed one, or the reasons why it cannot.

Columns come out in the schema's order with the schema's types. Nothing is guessed and nothing is dropped: a missing
column, a column nobody declared, and a value that is not of its type refuse the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ratchet.core.schema import Column, Table
from ratchet.core.validation.records import EXAMPLES, Finding

ARROW = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
SOURCES = {
    "string": (),
    "integer": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "number": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "boolean": (pa.types.is_boolean,),
    "timestamp": (pa.types.is_timestamp, pa.types.is_date),
}
"""What may become a column of each type, beside text; Arrow itself would read 20130704 as a moment in 1970."""

MISFITS = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)
"""What Arrow raises where values do not fit a type."""

RESOLUTION = "us"
"""Resolution of timestamps: microseconds hold every date and what databases keep."""


def conform(raw: pa.Table, table: Table, *, name: str) -> tuple[pa.Table, tuple[Finding, ...]]:
    """Cast `raw` to the declared columns of table `name`.

    Returns the typed table, which is complete only where there are no findings, and the findings, all of level refuse.
    Timestamps with a zone become UTC; those without stay as they are. A number that is NaN becomes missing.
    """
    findings = list(_structure(raw, table, name))
    columns: dict[str, pa.ChunkedArray] = {}
    for column_name, column in table.columns.items():
        if raw.column_names.count(column_name) == 1:
            try:
                columns[column_name] = _cast(raw.column(column_name), column)
            except MISFITS:
                findings.append(_wrong_type(raw.column(column_name), column, name, column_name))
    return pa.table(columns), tuple(findings)


def _structure(raw: pa.Table, table: Table, name: str) -> Iterator[Finding]:
    if raw.num_rows == 0:
        yield _refuse(name, "*", "no-rows", "has no rows", count=0)
    for column in table.columns:
        if column not in raw.column_names:
            yield _refuse(name, column, "missing-column", "required column is missing", count=raw.num_rows)
    for column in dict.fromkeys(raw.column_names):
        if raw.column_names.count(column) > 1:
            yield _refuse(name, column, "repeated-column", "column is there more than once", count=raw.num_rows)
        if column not in table.columns:
            yield _refuse(name, column, "unknown-column", "column is not in schema.yaml", count=raw.num_rows)


def _cast(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return values.cast(_target(values, column))
    if not (is_text(values.type) or any(fits(values.type) for fits in SOURCES[column.type])):
        raise pa.ArrowInvalid(f"{values.type} is no {column.type}")
    if column.type != "string" and is_text(values.type):
        values = blank_is_missing(values)
    if column.type == "number" and pa.types.is_integer(values.type):
        return values.cast(pa.float64(), safe=False)
    typed = values.cast(_target(values, column))
    return _nan_is_missing(typed) if column.type == "number" else typed


def _target(values: pa.ChunkedArray, column: Column) -> pa.DataType:
    if column.type != "timestamp":
        return ARROW[column.type]
    zoned = getattr(values.type, "tz", None) or (is_text(values.type) and _has_zone(values))
    return pa.timestamp(RESOLUTION, tz="UTC" if zoned else None)


def _has_zone(values: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    present = values.drop_null()
    return len(present) > 0 and bool(pc.all(pc.match_substring_regex(present, r"(Z|[+-]\d\d:?\d\d)$")).as_py())


def is_text(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def blank_is_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without the values of which nothing is left but white space."""
    import pyarrow.compute as pc

    values = values.cast(pa.string())
    return pc.if_else(pc.equal(pc.utf8_trim_whitespace(values), ""), pa.scalar(None, pa.string()), values)


def _nan_is_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    nan = pc.is_nan(values)
    return pc.if_else(nan, pa.scalar(None, pa.float64()), values) if pc.any(nan).as_py() else values


def _wrong_type(values: pa.ChunkedArray, column: Column, table: str, name: str) -> Finding:
    """Find which values do not fit by casting distinct ones alone: only reached when a batch is refused anyway."""
    if pa.types.is_nested(values.type):
        return _refuse(table, name, "wrong-type", f"holds {values.type}, not {column.type}", count=len(values))
    distinct = values.value_counts()
    bad = [entry for entry in distinct.to_pylist() if not _fits(entry["values"], values.type, column)]
    mixed = ": some moments have a time zone, and some have none" * (not bad and column.type == "timestamp")
    return Finding(
        table=table,
        column=name,
        rule="wrong-type",
        level="refuse",
        sentence=f"is not of type {column.type}{mixed}",
        count=sum(entry["counts"] for entry in bad) or len(values),
        examples=tuple(repr(entry["values"]) for entry in bad[:EXAMPLES]),
    )


def _refuse(table: str, column: str, rule: str, sentence: str, *, count: int) -> Finding:
    return Finding(table=table, column=column, rule=rule, level="refuse", sentence=sentence, count=count)


def _fits(value: object, kind: pa.DataType, column: Column) -> bool:
    if value is None:
        return True
    try:
        _cast(pa.chunked_array([pa.array([value], kind)]), column)
    except MISFITS:
        return False
    return True
