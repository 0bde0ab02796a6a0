"""What a data diff looks like: as text in a terminal, as a page, and in the report of a pull request."""

from __future__ import annotations

import re

import pytest

from ratchet.cli.data_diff_text import as_text
from ratchet.core.change.data_diff import Bars, CellEdit, DataDiff, DiffedTable, Examples, RowEdit
from ratchet.core.change.records import BatchChange, Change, ColumnChange, ColumnShift, SchemaChange
from ratchet.core.report.data_diff import MOST, diff_page
from ratchet.core.report.what_changed import what_changed
from ratchet.io import data_diff_page
from ratchet.io.data_diff_page import render_data_diff

HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[31m\u202e"
BARS = Bars(column="x", names=("1", "2"), before=(0.5, 0.5), after=(0.0, 1.0))


def batch(name: str = "2013-03", **fields: object) -> BatchChange:
    counts = {"rows_before": 4, "rows_after": 5, "rows_added": 2, "rows_removed": 1, "rows_edited": 2, "label_flips": 1}
    return BatchChange.model_validate(
        {"batch": name, "table": "rows", "kind": "changed", "new_categories": {}, **counts, **fields}
    )


def diff(*tables: DiffedTable, note: str = "", shifts: tuple[ColumnShift, ...] = ()) -> DataDiff:
    return DataDiff(before="HEAD", after="work tree", kind="batches", tables=tables, shifts=shifts, note=note)


FULL = DiffedTable(
    change=batch(
        new_categories={"dest": ("ZZZ",)},
        schema_changes=(SchemaChange(column="gust", before=None, after="number"),),
        columns=(ColumnChange(column="arr_delay", cells=2, distance=None, before="", after=""),),
    ),
    gone_categories={"dest": ("ABQ",)},
    gone_category_counts={"dest": 7},
    examples=Examples(
        edited=(RowEdit(key={"id": "3"}, cells=(CellEdit(column="arr_delay", before=None, after="40"),),
                        label=CellEdit(column="label", before="false", after="true")),),
        added=({"id": "7"}, {"id": "8"}),
        removed=({"id": None},),
    ),
)  # fmt: skip
TEXT = """\
HEAD → work tree
1 table differs: 2 rows added, 1 row removed, 2 rows edited, 1 label flipped, 1 change of columns.
Note: b1 rows: something

Tables that differ
  batch    table  what     rows before  rows after  added  removed  edited  labels flipped
  2013-03  rows   changed            4           5      2        1       2               1

Columns that came, went or changed their type
  batch    column     type before  type now
  2013-03  rows.gust  (not there)  number

Columns edited or moved within a batch
  batch    column          cells edited  moved by (0 to 1)  before  now
  2013-03  rows.arr_delay             2                  –

New categories
  batch    column     values
  2013-03  rows.dest  ZZZ

Categories that are gone
  batch    column     values
  2013-03  rows.dest  ABQ and 6 more

2013-03 rows

  Edited rows
    row   column     before     now
    id 3  label      false      true
          arr_delay  (missing)  40
    and 1 more

  Added rows
    row
    id 7
    id 8

  Removed rows
    row
    id (missing)"""


def test_the_text_is_tables_under_one_line() -> None:
    """Numbers to the right, a row's key once, what is left out counted; the note before them."""
    assert as_text(diff_page(diff(FULL, note="b1 rows: something"))) == TEXT


def test_two_tables_are_named_by_the_title_alone() -> None:
    """Every line would say the same two names again."""
    text = as_text(diff_page(diff(FULL).model_copy(update={"before": "a.csv", "after": "b.csv", "kind": "tables"})))
    assert text.splitlines()[0] == "a.csv → b.csv"
    assert ("batch" in text, "2013-03" in text) == (False, False)
    assert "\n\nrows\n\n  Edited rows" in text


def test_no_difference_is_one_line() -> None:
    """No empty tables stand under it."""
    assert as_text(diff_page(diff())) == "HEAD → work tree\nNo table differs."


def test_batches_are_bounded_and_counted() -> None:
    """However many differ, so many are listed and the others are counted."""
    text = as_text(diff_page(diff(*(DiffedTable(change=batch(f"b{number}")) for number in range(MOST + 3)))))
    assert text.splitlines()[-1].strip() == "and 3 more"


def test_new_batches_unlike_the_others_have_a_table() -> None:
    """With both distributions in words."""
    shift = ColumnShift(table="rows", column="x", distance=0.5, before="mean 1", after="mean 2")
    assert re.search(r"rows\.x +0\.5000 +mean 1 +mean 2", as_text(diff_page(diff(FULL, shifts=(shift,)))))


@pytest.mark.parametrize("render", [render_data_diff, lambda found: as_text(diff_page(found))])
def test_no_value_of_the_data_is_obeyed(render: object) -> None:
    """Neither a browser sees a tag, nor a terminal an escape, nor anybody a character that turns the text around."""
    assert callable(render)
    hostile = DiffedTable(
        change=batch(HOSTILE, new_categories={HOSTILE: (HOSTILE,)}),
        examples=Examples(edited=(RowEdit(key={HOSTILE: HOSTILE}, cells=(
            CellEdit(column=HOSTILE, before=HOSTILE, after=None),)),)),
        pictures=(BARS.model_copy(update={"column": HOSTILE, "names": (HOSTILE, "b")}),),
    )  # fmt: skip
    text = render(diff(hostile, note=HOSTILE))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if render is render_data_diff:
        assert "<img src=x" not in text


def test_the_page_has_the_pictures_of_columns_that_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many, the others counted; each has a picture for whoever runs no scripts; without any no script."""
    monkeypatch.setattr(data_diff_page, "MOST", 2)
    page = render_data_diff(diff(*(DiffedTable(change=batch(name), pictures=(BARS,)) for name in ("a", "b", "c"))))
    assert re.findall(r'data-chart="chart-([^"]+)"', page) == ["moved-0-0", "moved-1-0"]
    assert page.count('<noscript><img src="data:image/svg+xml') == 2
    assert "Moved and not drawn: 1 more column." in page
    plain = render_data_diff(diff(FULL))
    assert "<script" not in plain
    assert "id 3" in plain


def test_the_report_of_a_pull_request_names_columns_and_cells(everything: Change) -> None:
    """A new column is in the line about data; edited and moved columns have a table of their own."""
    moved = ColumnChange(column="humid", cells=0, distance=0.25, before="mean 58", after="mean 67")
    data = everything.data.model_copy(
        update={"batches": (batch(columns=(*FULL.change.columns, moved), schema_changes=FULL.change.schema_changes),)}
    )
    section = what_changed(everything.model_copy(update={"data": data}))
    assert "columns added: gust" in dict(section.lines)["data"]
    tables = {table.title: [row.cells for row in table.rows] for table in section.tables}
    assert tables["Columns that came, went or changed their type"] == [
        ("2013-03", "rows.gust", "(not there)", "number")
    ]
    assert tables["Columns edited or moved within a batch"] == [
        ("2013-03", "rows.arr_delay", "2", "–", "", ""),
        ("2013-03", "rows.humid", "0", "0.2500", "mean 58", "mean 67"),
    ]
