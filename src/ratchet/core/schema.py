"""`schema.yaml` as typed records: what each column of each table means and may hold.

A batch is one table of rows and, optionally, lookup tables: some arrive with each batch (what was observed then), some
stand for all batches (what is known of each thing).

What breaks a rule has one of three levels: `refuse` the batch (its structure is wrong), `quarantine` the rows (their
values are wrong; they are kept, and neither train nor judge), `warn`. `core/validation/` checks by these records.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ratchet.core.params import Section, parse_record

ROWS = "rows"
"""The table every batch has: one row per thing that is predicted."""

ColumnType = Literal["string", "integer", "number", "boolean", "timestamp"]
Level = Literal["refuse", "quarantine", "warn"]
Part = Annotated[float, Field(ge=0, le=1)]


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
    missing: Part | None = Field(
        default=None, description="the share of a batch's rows that may lack a value; more, and the batch is refused"
    )
    level: Level = Field(default="quarantine", description="what a value outside of min, max or values leads to")


class Relation(Section):
    """What must be true of several columns of one row, written in SQL; a row that makes it null passes."""

    rule: str = Field(
        description="a SQL condition over columns, such as hour * 100 + minute = sched_dep_time"
    )
    description: str = ""
    level: Level = Field(default="quarantine", description="what a row that breaks it leads to")


class Reference(Section):
    """Columns of the rows that name an entry of a lookup."""

    lookup: str = Field(description="the lookup's name; the columns are its key")
    columns: list[str] = Field(min_length=1, description="columns of the rows, in the order of the lookup's key")
    matched: Part = Field(default=0.0, description="the share of rows that must find an entry, or the batch is refused")


class Period(Section):
    """The stretch of time that a batch holds and is named after: 2013, 2013-07, 2013-W27, 2013-07-04."""

    every: Literal["day", "week", "month", "year"]
    zone: str | None = Field(default=None, description="the time zone whose calendar counts, such as America/New_York")


class Table(Section):
    """One table: its key (unique within a batch), its columns in their order, and what holds between them."""

    key: list[str] = Field(min_length=1)
    columns: dict[str, Column] = Field(min_length=1)
    relations: list[Relation] = Field(default_factory=list)
    quarantine: Part = Field(
        default=0.01, description="the share of a batch's rows that may be quarantined; more, and the batch is refused"
    )

    def texts(self) -> list[str]:
        """The columns that hold text: in CSV, what looks like a number in them is none."""
        return [name for name, column in self.columns.items() if column.type == "string"]


class Rows(Table):
    """The table of rows; `time` is the column that orders them, if rows have a time."""

    time: str | None = None
    period: Period | None = Field(
        default=None, description="rows outside of their batch's period are quarantined; it must be whole"
    )
    references: list[Reference] = Field(default_factory=list)


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
