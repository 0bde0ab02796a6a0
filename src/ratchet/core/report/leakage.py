"""The rows that show a leak between training and holdout, side by side."""

from __future__ import annotations

from ratchet.core.decision import Decision
from ratchet.core.leakage.lines import shown_rows
from ratchet.core.report.table import Column, Row, Section, filled, table

MOST = 40
"""Rows of the table at most: five of each leak, of which there are rarely more than a few."""


def leaking_rows(decision: Decision) -> Section:
    """A table without rows, which no report shows, where there is no leak."""
    rows = [Row(each, "worse") for each in shown_rows(decision)]
    columns = [Column("leak", "code"), Column("a row that judges"), Column("a training row")]
    return Section(
        title="Leakage: rows that training and holdout share",
        tables=filled([table("", columns, rows, most=MOST)]),
        folded=True,
    )
