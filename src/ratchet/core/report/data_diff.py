"""A data diff as sections of tables: the batches first, then what happened to columns and values, then a few rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ratchet.core.change.data_diff import CellEdit, DataDiff, DiffedTable, RowEdit
from ratchet.core.report.data_tables import (
    batch_table,
    category_table,
    column_table,
    schema_table,
    shift_table,
)
from ratchet.core.report.table import Column, Row, Section, Table, filled, more, table
from ratchet.core.report.text import count, listed, sentence

MOST = 500
"""Rows of a table at most: every batch of some years."""
MISSING = "(missing)"
"""A cell without a value."""


@dataclass(frozen=True)
class DiffPage:
    """A diff as it is read: a title, one line, and sections. The pictures of a section are named by their place."""

    title: str
    line: str
    sections: tuple[Section, ...]
    note: str


def diff_page(diff: DataDiff) -> DiffPage:
    """Lay out a diff."""
    changes = [each.change for each in diff.tables]
    tables = filled(
        [
            replace(batch_table(changes, most=MOST), title="Tables that differ"),
            schema_table(changes, most=MOST),
            column_table(changes, most=MOST),
            category_table(changes, most=MOST),
            _gone_table(diff.tables),
            replace(shift_table(diff.shifts), title="New batches unlike the ones before them"),
        ]
    )
    if diff.kind == "tables":
        tables = tuple(map(_without_batch, tables))
    overview = Section(title="", tables=tables)
    named = diff.kind == "batches"
    rows = tuple(section for place, each in enumerate(diff.tables) if (section := _rows(place, each, named=named)))
    return DiffPage(f"{diff.before} → {diff.after}", _line(diff), (overview, *rows) if tables else rows, diff.note)


def picture_name(table: int, column: int) -> str:
    """How the picture of a column is called: by the places of its table and of itself."""
    return f"moved-{table}-{column}"


def _line(diff: DataDiff) -> str:
    """'3 tables differ: 12 rows added, 40 edited, 7 labels flipped'."""
    if not diff.tables:
        return "No table differs."
    changes = [each.change for each in diff.tables]
    flips = sum(each.label_flips or 0 for each in changes)
    rows = {word: sum(getattr(each, f"rows_{word}") for each in changes) for word in ("added", "removed", "edited")}
    parts = [f"{count(number, 'row')} {word}" for word, number in rows.items() if number]
    columns = sum(len(each.schema_changes) for each in changes)
    parts += [f"{count(flips, 'label')} flipped"] if flips else []
    parts += [f"{count(columns, 'change')} of columns"] if columns else []
    return f"{count(len(changes), 'table')} {'differs' if len(changes) == 1 else 'differ'}: {sentence(parts)}."


def _without_batch(one: Table) -> Table:
    """A table of two batches or files, which the title names already."""
    rows = tuple(replace(row, cells=row.cells[1:]) for row in one.rows)
    title = one.title.removesuffix(" within a batch")
    return replace(one, title=title, columns=one.columns[1:], rows=rows)


def _gone_table(tables: Sequence[DiffedTable]) -> Table:
    rows = [
        Row((each.change.batch, f"{each.change.table}.{column}", listed(values, total=_gone(each, column))))
        for each in tables
        for column, values in each.gone_categories.items()
    ]
    columns = [Column("batch", "code"), Column("column", "code"), Column("values")]
    return table("Categories that are gone", columns, rows, most=MOST)


def _gone(each: DiffedTable, column: str) -> int:
    return each.gone_category_counts.get(column, len(each.gone_categories[column]))


def _rows(place: int, each: DiffedTable, *, named: bool) -> Section | None:
    """The examples and pictures of one table; `named` says whether its batch is said with it."""
    shown, change = each.examples, each.change
    tables = filled(
        [
            _edited(shown.edited, change.rows_edited),
            _keys("Added rows", shown.added, change.rows_added),
            _keys("Removed rows", shown.removed, change.rows_removed),
        ]
    )
    pictures = tuple(picture_name(place, column) for column in range(len(each.pictures)))
    if not tables and not pictures:
        return None
    return Section(title=f"{change.batch} {change.table}" if named else change.table, tables=tables, pictures=pictures)


def _edited(rows: Sequence[RowEdit], total: int) -> Table:
    """A line for each cell: a row's key stands at its first one."""
    columns = [Column("row", "code"), Column("column", "code"), Column("before"), Column("now")]
    cells = [Row(each) for row in rows for each in _cells(row)]
    found = table("Edited rows", columns, cells, most=len(cells))
    return replace(found, more=more(total - len(rows)))


def _cells(row: RowEdit) -> Iterator[tuple[str, str, str, str]]:
    name = _key(row.key)
    for cell in (*((row.label,) if row.label else ()), *row.cells):
        yield name, cell.column, *_sides(cell)
        name = ""


def _sides(cell: CellEdit) -> tuple[str, str]:
    before, after = (MISSING if value is None else value for value in (cell.before, cell.after))
    return before, after


def _keys(title: str, rows: Sequence[Mapping[str, str | None]], total: int) -> Table:
    found = table(title, [Column("row", "code")], [Row((_key(row),)) for row in rows], most=len(rows))
    return replace(found, more=more(total - len(rows)))


def _key(row: Mapping[str, str | None]) -> str:
    return ", ".join(f"{name} {MISSING if value is None else value}" for name, value in row.items())
