"""What a table held, in a few kilobytes: enough to say later whether another batch of it looks different.

A profile is made of a typed table (`core/conform.py`) once, and kept; `anomalies/` compares it with those of earlier
batches. The same rows give the same bytes, in whatever order they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from pydantic import Field

from ratchet.core.findings import Finite
from ratchet.core.schema import ROWS, Rows, Schema, Table

PROBABILITIES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Whose quantiles are kept: the smallest value, the largest, and closer steps in the tails."""
DECIMALS = 4
"""It is counted how many values are whole, and how many have at most one, two and three decimals."""
CATEGORIES = 128
"""A text column with at most so many values is kept whole, with the count of each."""
TOP = 40
"""Commonest values kept of any other column."""
TEXT_KEPT = 80
"""Characters kept of a value."""
DAYS = 400
"""Days kept, the first ones: a year of them."""
SKETCH = 128
"""Key hashes kept, the smallest ones; two tables with common keys have common smallest ones."""


class Common(Finite):
    """A value, as text, and in how many rows it is."""

    value: str
    count: int


class Numbers(Finite):
    """The numbers of a column, of those that are there and finite."""

    quantiles: tuple[float, ...] = Field(description="by PROBABILITIES; each is a value that occurs")
    decimals: tuple[float, ...] = Field(description="share of values with at most 0, 1, 2 and 3 decimals")
    zero: float = Field(description="share of values that are 0")
    negative: float = Field(description="share of values below 0")
    lowest: float = Field(description="share of values that are the smallest one")
    highest: float = Field(description="share of values that are the largest one")
    run: int = Field(description="most neighbours in time order with one value, within one thing that is observed")


class Texts(Finite):
    """The texts of a column."""

    shortest: int = Field(description="characters")
    longest: int = Field(description="characters")
    padded: float = Field(description="share of values that start or end with white space")


class Times(Finite):
    """The moments of a column, by the clock of the profile's zone."""

    first: str = Field(description="ISO 8601")
    last: str = Field(description="ISO 8601")
    hours: tuple[int, ...] = Field(description="rows in each hour of the day, 24 of them")
    midnight: float = Field(description="share of moments that are exactly midnight")


class ColumnProfile(Finite):
    """One column: what is missing, the commonest values, and what its type has to say."""

    missing: float = Field(description="share of rows without a value; NaN is none")
    distinct: int = Field(description="different values")
    top: tuple[Common, ...] = Field(description="the commonest values; all of a text with at most CATEGORIES")
    numbers: Numbers | None = None
    texts: Texts | None = None
    times: Times | None = None


class Day(Finite):
    """One day of the table's time: how many rows, and a digest of what they hold."""

    day: str = Field(description="ISO 8601, by the calendar of the profile's zone")
    rows: int
    content: str = Field(description="equal for days whose rows differ in nothing but keys and time; '' is too few")


class TableProfile(Finite):
    """One table of one batch."""

    rows: int
    columns: dict[str, ColumnProfile]
    days: tuple[Day, ...] = Field(default=(), description="of the column that orders the rows, if there is one")
    keys: tuple[str, ...] = Field(default=(), description="the smallest hashes of the rows' keys, SKETCH at most")


class BatchProfile(Finite):
    """`profile.json`: the tables of one batch."""

    tables: dict[str, TableProfile]


def profile_batch(tables: Mapping[str, pl.DataFrame], schema: Schema) -> BatchProfile:
    """Profile each table of a batch, all by the calendar of the rows' period; undeclared tables are left out."""
    zone = schema.rows.period.zone if schema.rows.period else None
    declared = {ROWS: schema.rows, **schema.lookups}
    known = {name: (frame, declared[name]) for name, frame in tables.items() if name in declared}
    return BatchProfile(tables={name: profile(frame, table, zone=zone) for name, (frame, table) in known.items()})


def profile(frame: pl.DataFrame, table: Table, *, zone: str | None = None) -> TableProfile:
    """Profile a typed table. Columns that are not declared, or declared and absent, are left out.

    `zone` names the calendar that days and hours of instants follow; without it that of the table's period, else UTC.
    """
    from ratchet.core.validation.profile_columns import column_profile
    from ratchet.core.validation.profile_rows import in_time_order, key_sketch, profile_days
    from ratchet.core.validation.row_hashes import coded_texts, column_words

    if zone is None and isinstance(table, Rows) and table.period:
        zone = table.period.zone
    frame = frame.select([name for name in table.columns if name in frame.columns])
    coded = {name: coded_texts(frame[name]) for name in frame.columns if frame.schema[name] == pl.String}
    words = {name: coded[name].words() if name in coded else column_words(frame[name]) for name in frame.columns}
    time = time_column(table)
    order = in_time_order(frame, words, key=table.key, time=time)
    return TableProfile(
        rows=frame.height,
        columns={
            name: column_profile(
                frame[name], zone=zone, order=order, counts=coded[name].counts() if name in coded else None
            )
            for name in frame.columns
        },
        days=profile_days(frame, words, key=table.key, time=time, zone=zone),
        keys=key_sketch(words, table.key),
    )


def time_column(table: Table) -> str | None:
    """The column that orders the rows: `time` of the rows, of a lookup the first timestamp of its key."""
    if isinstance(table, Rows):
        return table.time
    return next((name for name in table.key if name in table.columns and table.columns[name].type == "timestamp"), None)
