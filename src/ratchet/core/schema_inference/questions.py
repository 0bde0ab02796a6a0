"""What inference guessed, and what no data can say: sentences for the person who goes on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ratchet.core.report.text import listed
from ratchet.core.schema import ROWS, Period, Rows
from ratchet.core.schema_inference.records import Hints, InferredTable

NAMES_SHOWN = 12


@dataclass(frozen=True)
class Named:
    """The period that batches are named after, if they are, and how many rows lie outside of theirs."""

    period: Period | None
    outside: int


def guessed(hints: Hints, rows: Rows, tables: Mapping[str, InferredTable]) -> Iterator[str]:
    """What was decided though the data leaves a choice."""
    if rows.time and not hints.time:
        yield f"time is {rows.time}: the only timestamp that every row has"
    if rows.period:
        by = f" by the calendar of {rows.period.zone}" if rows.period.zone else ""
        yield f"period is a {rows.period.every}: batches are named so, and all rows lie in theirs{by}"
    for name, table in tables.items():
        if name != ROWS or not hints.key:
            yield f"key of {name} is {', '.join(table.key)}: the first of the smallest sets that no two rows share"
    for name, table in tables.items():
        if few := [column for column, each in table.columns.items() if each.column.values]:
            yield f"values of {name}: {_names(few)} have few, the same in every batch; no others may come"


def times_to_say(times: Sequence[str], rows: Rows, named: Named) -> Iterator[str]:
    """What is open about the time of rows; `times` are the columns that could order them."""
    if rows.time is None and times:
        yield f"which of {', '.join(times)} orders the rows, if one does (time, or --time)"
    if named.period and named.outside:
        yield (
            f"which calendar cuts the batches: they are named after a {named.period.every}, and {named.outside:,} rows "
            f"are not in theirs by the clock of {named.period.zone or 'UTC'} (--zone, or no period)"
        )


def columns_to_say(tables: Mapping[str, InferredTable], hints: Hints) -> Iterator[str]:
    """What is open about columns."""
    if not hints.after:
        yield "which columns are outcomes, not known yet when a prediction is asked for (known: after, or --after)"
    for name, table in tables.items():
        yield from _of_table(name, table)
    yield "what each column means (description)"


def _of_table(name: str, table: InferredTable) -> Iterator[str]:
    columns = table.columns
    empty = [column for column, each in columns.items() if each.column.missing == 1]
    if measured := [column for column, each in columns.items() if each.column.type in ("integer", "number")]:
        yield f"{name}: the unit and the physical limits of {_names(measured)} (unit, min, max)"
    if empty:
        yield f"{name}: whether {_names(empty)} may be without any value, as in a batch here (type, missing)"
    if same := [column for column, each in columns.items() if each.constant and column not in empty]:
        yield f"{name}: what else {_names(same)} may be; one value so far (min, max, values)"
    if counted := [column for column, each in columns.items() if each.counts]:
        yield f"{name}: whether {_names(counted)} ends somewhere; no two rows share a number, so there is no max"


def _names(columns: Sequence[str]) -> str:
    return listed(columns, NAMES_SHOWN)
