"""A data diff as text for a terminal: aligned tables, one line per row."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.report.data_diff import DiffPage
from ratchet.core.report.table import Section, Table
from ratchet.core.report.text import shortened
from ratchet.io.markdown import visible

WIDEST = 100
"""Characters of a cell at most; `--json` has all of it."""
GAP = "  "


def as_text(page: DiffPage) -> str:
    """The page as lines of text. Characters that a terminal would obey are taken out."""
    return "\n".join(
        [visible(page.title), page.line, *([f"Note: {visible(page.note)}"] if page.note else []), *_sections(page)]
    )


def _sections(page: DiffPage) -> Iterator[str]:
    for section in page.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    if section.title and section.tables:
        yield f"\n{visible(section.title)}"
    for table in section.tables:
        yield from _table(table, indent=GAP if section.title else "")


def _table(table: Table, *, indent: str) -> Iterator[str]:
    yield f"\n{indent}{table.title}"
    cells = [[column.title for column in table.columns], *([shortened(visible(cell), WIDEST) for cell in row.cells]
                                                           for row in table.rows)]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.rjust(width) if column.kind == "number" else cell.ljust(width)
                  for cell, width, column in zip(row, widths, table.columns, strict=True))  # fmt: skip
        yield f"{indent}{GAP}{GAP.join(padded)}".rstrip()
    if table.more:
        yield f"{indent}{GAP}{table.more}"
