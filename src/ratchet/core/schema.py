"""`schema.yaml` as typed records: what each column of each table means and may hold.

A batch is one table of rows and, optionally, lookup tables: some arrive with each batch (what was observed then), some
stand for all batches (what is known of each thing).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ratchet.core.params import Section, parse_record

ROWS = "rows"
"""The table every batch has: one row per thing that is predicted."""

ColumnType = Literal["string", "integer", "number", "boolean", "timestamp"]


class Column(Section):
    """One column: what it means, what it may hold, and whether it is known when a prediction is asked for."""

    type: ColumnType
    description: str = ""
    unit: str = ""
    nullable: bool = False
    known: Literal["before", "after"] = Field(
        default="before", description="after: an outcome; feature functions never see it"
    )
    min: float | None = None
    max: float | None = None
    values: list[str] | None = Field(default=None, description="the only values a string may take")


class Table(Section):
    """One table: its key (unique within a batch) and its columns, in their order."""

    key: list[str] = Field(min_length=1)
    columns: dict[str, Column] = Field(min_length=1)

    def texts(self) -> list[str]:
        """The columns that hold text: in CSV, what looks like a number in them is none."""
        return [name for name, column in self.columns.items() if column.type == "string"]


class Rows(Table):
    """The table of rows; `time` is the column that orders them, if rows have a time."""

    time: str | None = None


class Lookup(Table):
    """A table that features join; `per_batch` says whether it arrives with each batch or stands for all."""

    per_batch: bool = False


class Schema(Section):
    """The whole of `schema.yaml`."""

    rows: Rows
    lookups: dict[str, Lookup] = Field(default_factory=dict)

    def batch_tables(self) -> dict[str, Table]:
        """The tables that arrive with each batch, the rows first."""
        return {ROWS: self.rows, **{name: table for name, table in self.lookups.items() if table.per_batch}}

    def standing_tables(self) -> dict[str, Table]:
        """The lookups that stand for all batches."""
        return {name: table for name, table in self.lookups.items() if not table.per_batch}

    def known_before(self) -> list[str]:
        """Columns of the rows that are known when a prediction is asked for."""
        return [name for name, column in self.rows.columns.items() if column.known == "before"]


def parse_schema(tree: object, *, source: str = "schema.yaml") -> Schema:
    """Turn the parsed YAML into records. Raises UsageError that lists every problem."""
    return parse_record(Schema, tree, source=source)
