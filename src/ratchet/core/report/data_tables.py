"""Tables that say what happened to the data: batches, columns, categories, distributions."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.change.records import BatchChange, BatchFinding, ColumnChange, ColumnShift
from ratchet.core.report.table import ROWS, Column, Row, Table, table
from ratchet.core.report.text import ABSENT, NONE, listed, number, places
from ratchet.core.validation.records import Finding

LEVELS = {"refuse": "refused", "quarantine": "in quarantine", "warn": "warning"}
EMPTY = "(all missing)"
"""The type of a column without a single value."""


def new_values(batch: BatchChange, column: str) -> int:
    """How many values of a column are new: also those that the record does not name."""
    return batch.new_category_counts.get(column, len(batch.new_categories[column]))


def batch_table(batches: Sequence[BatchChange], *, most: int = ROWS) -> Table:
    """A row for each table of each batch: how many rows came, went and were edited, how many labels flipped."""
    numbers = ("rows before", "rows after", "added", "removed", "edited", "labels flipped")
    columns = [
        Column("batch", "code"),
        Column("table", "code"),
        Column("what"),
        *(Column(n, "number") for n in numbers),
    ]
    return table("Batches", columns, [_batch_row(batch) for batch in batches], most=most)


def _batch_row(batch: BatchChange) -> Row:
    counts = (batch.rows_before, batch.rows_after, batch.rows_added, batch.rows_removed, batch.rows_edited)
    flips = NONE if batch.label_flips is None else f"{batch.label_flips:,}"
    return Row((batch.batch, batch.table, batch.kind, *(f"{each:,}" for each in counts), flips))


def schema_table(batches: Sequence[BatchChange], *, most: int = ROWS) -> Table:
    """Columns that only one version has, or whose type is another."""
    columns = [Column("batch", "code"), Column("column", "code"), Column("type before"), Column("type now")]
    rows = [
        Row((batch.batch, f"{batch.table}.{each.column}", _type(each.before), _type(each.after)))
        for batch in batches
        for each in batch.schema_changes
    ]
    return table("Columns that came, went or changed their type", columns, rows, most=most)


def column_table(batches: Sequence[BatchChange], *, most: int = ROWS) -> Table:
    """Columns with edited cells, and columns whose distribution in a batch is another than it was."""
    columns = [
        Column("batch", "code"), Column("column", "code"), Column("cells edited", "number"),
        Column("moved by (0 to 1)", "number"), Column("before"), Column("now"),
    ]  # fmt: skip
    found = [(batch, each) for batch in batches for each in batch.columns]
    four = places(each.distance for _, each in found)
    rows = [_column_row(batch, each, four) for batch, each in found]
    return table("Columns edited or moved within a batch", columns, rows, most=most)


def _column_row(batch: BatchChange, each: ColumnChange, decimals: int) -> Row:
    moved = number(each.distance, places=decimals)
    return Row((batch.batch, f"{batch.table}.{each.column}", f"{each.cells:,}", moved, each.before, each.after))


def _type(name: str | None) -> str:
    return ABSENT if name is None else name or EMPTY


def finding_table(findings: Sequence[BatchFinding], *, most: int = ROWS) -> Table:
    """What validation found in the batches of the change, and what a person let pass."""
    columns = [
        Column("batch", "code"), Column("column", "code"), Column("level"), Column("rows", "number"), Column("what"),
    ]  # fmt: skip
    rows = [
        Row((each.batch, f"{found.table}.{found.column}", _level(found), f"{found.count:,}", said(found)))
        for each in findings
        for found in (each.finding,)
    ]
    return table("Validation", columns, rows, most=most)


def said(finding: Finding) -> str:
    """'is below 1 mi [below-min], for example -3'."""
    examples = f", for example {listed(finding.examples)}" if finding.examples else ""
    return f"{finding.sentence} [{finding.rule}]{examples}"


def _level(finding: Finding) -> str:
    return f"released: {finding.released}" if finding.released else LEVELS[finding.level]


def category_table(batches: Sequence[BatchChange], *, most: int = ROWS) -> Table:
    """Values of text columns that are new."""
    rows = [
        Row((batch.batch, f"{batch.table}.{column}", listed(values, total=new_values(batch, column))))
        for batch in batches
        for column, values in batch.new_categories.items()
        if values
    ]
    return table(
        "New categories", [Column("batch", "code"), Column("column", "code"), Column("values")], rows, most=most
    )


def shift_table(shifts: Sequence[ColumnShift]) -> Table:
    """Largest distance first."""
    columns = [Column("column", "code"), Column("distance (0 to 1)", "number"), Column("before"), Column("after")]
    most = places(each.distance for each in shifts)
    rows = [
        Row((f"{each.table}.{each.column}", number(each.distance, places=most), each.before, each.after))
        for each in sorted(shifts, key=lambda each: -each.distance)
    ]
    return table("Columns whose distribution moved", columns, rows)
