"""The time of rows: within the period that the batch is named after, and not later than the batch came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

from ratchet.core.schema import ROWS, Rows, Table
from ratchet.core.validation.periods import expected_form, inside, stretch_of
from ratchet.core.validation.records import Finding
from ratchet.core.validation.row_rules import rule_of
from ratchet.core.validation.rules import Condition

EARLIEST_ZONE = timedelta(hours=14)
"""How far clocks on earth are ahead of UTC at most: a moment without a zone may be read off any of them."""


def period_name_findings(batch: str, rows: Rows) -> Iterator[Finding]:
    """A batch that is not named after a period, where the schema says that batches are."""
    if rows.period is not None and stretch_of(batch, rows.period) is None:
        sentence = f"is named {batch}, which is no {rows.period.every}: {expected_form(rows.period)}"
        yield Finding(table=ROWS, column="*", rule="period-name", level="refuse", count=0, sentence=sentence)


def time_conditions(batch: str, table: Table, types: pl.Schema, *, until: datetime | None) -> list[Condition]:
    """The rules on the column that orders the rows; none for lookups, and for rows without a time."""
    if not isinstance(table, Rows) or table.time is None or not isinstance(kind := types[table.time], pl.Datetime):
        return []
    zoned = kind.time_zone is not None
    found = []
    if table.period is not None and (stretch := stretch_of(batch, table.period)) is not None:
        last = stretch.end - timedelta(days=1)
        sentence = f"is outside of the batch's {table.period.every}, {stretch.start} to {last}"
        holds = inside(table.time, stretch, table.period.zone, zoned=zoned)
        found.append(Condition(rule_of(table.time, "outside-period", "quarantine", sentence), holds))
    if until is not None:
        latest = until if zoned else until.astimezone(UTC).replace(tzinfo=None) + EARLIEST_ZONE
        holds = (pl.col(table.time) <= latest).fill_null(True)
        sentence = f"is later than the batch came ({until:%Y-%m-%d})"
        found.append(Condition(rule_of(table.time, "future", "quarantine", sentence), holds))
    return found
