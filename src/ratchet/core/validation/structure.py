"""What is wrong with a typed table as a whole: columns that a failed join left empty, rows that match no lookup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from ratchet.core.schema import ROWS, Column, Level, Reference, Rows, Schema, Table
from ratchet.core.validation.records import EXAMPLES, Finding
from ratchet.core.validation.wording import shown

ENOUGH = 20
"""Rows of a table from which on a column without any value is no accident."""


def structure_findings(name: str, frame: pl.DataFrame, table: Table) -> Iterator[Finding]:
    """Columns of table `name` that miss more values than the schema allows, or all of them."""
    for column_name, column in table.columns.items():
        lacking = frame[column_name].null_count()
        if lacking == frame.height and _should_hold_something(column):
            level: Level = "refuse" if frame.height >= ENOUGH else "warn"
            yield Finding(table=name, column=column_name, rule="all-missing", level=level, count=lacking,
                          sentence="is missing in every row, as after a failed join")  # fmt: skip
        elif column.missing is not None and lacking > column.missing * frame.height:
            share = f"is missing in {_percent(lacking, frame.height)} of rows, where {100 * column.missing:.4g}% may be"
            yield Finding(table=name, column=column_name, rule="missing-share", level="refuse", count=lacking,
                          sentence=share)  # fmt: skip


def reference_findings(rows: Rows, tables: Mapping[str, pl.DataFrame], schema: Schema) -> Iterator[Finding]:
    """References of the rows that too few of them keep; those to a lookup that is not in `tables` are not checked."""
    for reference in rows.references:
        if reference.lookup in tables:
            yield from _unmatched(reference, tables[ROWS], tables[reference.lookup], schema)


def _unmatched(reference: Reference, rows: pl.DataFrame, lookup: pl.DataFrame, schema: Schema) -> Iterator[Finding]:
    key = schema.lookups[reference.lookup].key
    entries = lookup.select(pl.col(there).cast(rows.schema[here], strict=False).alias(here)
                            for here, there in zip(reference.columns, key, strict=True))  # fmt: skip
    unmatched = rows.select(reference.columns).join(entries, on=reference.columns, how="anti", maintain_order="left")
    if rows.height - unmatched.height < reference.matched * rows.height:
        found = _percent(rows.height - unmatched.height, rows.height)
        yield Finding(
            table=ROWS,
            column="+".join(reference.columns),
            rule="unmatched",
            level="refuse",
            sentence=f"matches {reference.lookup} in {found} of rows, where {100 * reference.matched:.4g}% must",
            count=unmatched.height,
            examples=tuple(shown(values) for values in unmatched.unique(maintain_order=True).head(EXAMPLES).rows()),
        )


def _should_hold_something(column: Column) -> bool:
    return column.missing is None or column.missing < 1


def _percent(part: int, whole: int) -> str:
    """A share that never reads as all or none unless it is."""
    if part in (0, whole):
        return f"{part / max(whole, 1):.0%}"
    return f"{min(max(100 * part / whole, 0.01), 99.99):.2f}%"
