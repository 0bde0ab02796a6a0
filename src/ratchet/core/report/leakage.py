"""The rows that show a leak between training and holdout, side by side."""

from __future__ import annotations

from ratchet.core.decision import Decision
from ratchet.core.leakage.lines import shown_rows
from ratchet.core.report.table import Column, Row, Section, filled, table

MOST = 40
"""Rows of the table at most: five of each leak, of which there are rarely more than a few."""

NOTE = "The model has seen rows that judge it, or is told the answer: no difference below counts."


def leaking_rows(decision: Decision) -> Section:
    """Open, for it is why no number of the report counts; without tables where there is no leak.

    The column of training rows is there if any leak has one: a feature that knows the answer has none.
    """
    shown = list(shown_rows(decision))
    columns = [Column("leak", "code"), Column("a row that judges"), Column("a training row")]
    width = 3 if any(training for _, _, training in shown) else 2
    rows = [Row(each[:width], "worse") for each in shown]
    tables = filled([table("", columns[:width], rows, most=MOST)])
    return Section(title="Rows that leak", tables=tables, note=NOTE)
