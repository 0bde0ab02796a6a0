"""`schema.yaml` as typed records: what each column of each table means and may hold.

A batch is one table of rows and, optionally, lookup tables: some arrive with each batch (what was observed then), some
stand for all batches (what is known of each thing).

What breaks a rule has one of three levels: `refuse` the batch (its structure is wrong), `quarantine` the rows (their
values are wrong; they are kept, and neither train nor judge), `warn`. `core/validation/` checks by these records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ratchet.core.params import Section, parse_record
from ratchet.core.zones import Zone

ROWS = "rows"
"""The table every batch has: one row per thing that is predicted."""
LOOKUPS = "lookups"
"""The unit that holds the standing lookups; no batch may have this name."""

ColumnType = Literal["string", "integer", "number", "boolean", "timestamp"]
Level = Literal["refuse", "quarantine", "warn"]
Part = Annotated[float, Field(ge=0, le=1)]
LookupName = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]*$")]
"""A file is named after it."""
RESERVED = ("_row", "_rules", "_versions")
"""Columns that quarantine adds to those of a table."""


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

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in ("integer", "number"):
            raise ValueError(f"min and max are for integer and number, and the type is {self.type}")
        if self.values is not None and self.type != "string":
            raise ValueError(f"values is for string, and the type is {self.type}: a range says it with min and max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Relation(Section):
    """What must be true of several columns of one row, written in SQL; a row that makes it null passes."""

    rule: str = Field(description="a SQL condition over columns, such as hour * 100 + minute = sched_dep_time")
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
    zone: Zone | None = Field(default=None, description="the time zone whose calendar counts, such as America/New_York")


class Table(Section):
    """One table: its key (unique within a batch), its columns in their order, and what holds between them."""

    key: list[str] = Field(min_length=1)
    columns: dict[str, Column] = Field(min_length=1)
    relations: list[Relation] = Field(default_factory=list)
    quarantine: Part = Field(
        default=0.01, description="the share of a batch's rows that may be quarantined; more, and the batch is refused"
    )

    @model_validator(mode="after")
    def _names_are_columns(self) -> Self:
        for name in self.key:
            _require_column(name, self.columns, "key")
        for name in self.columns:
            if not is_column_name(name):
                raise ValueError(f"no column may be called {name!r}")
        return self

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

    @model_validator(mode="after")
    def _time_is_a_column(self) -> Self:
        if self.time is not None:
            _require_column(self.time, self.columns, "time")
        if self.period is not None and (self.time is None or self.columns[self.time].type != "timestamp"):
            raise ValueError("period needs time: a column of type timestamp")
        for reference in self.references:
            for name in reference.columns:
                _require_column(name, self.columns, "references")
        return self


class Lookup(Table):
    """A table that features join; `per_batch` says whether it arrives with each batch or stands for all."""

    per_batch: bool = False


class Schema(Section):
    """The whole of `schema.yaml`."""

    rows: Rows
    lookups: dict[LookupName, Lookup] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _references_find_lookups(self) -> Self:
        if ROWS in self.lookups:
            raise ValueError(f"no lookup may be called {ROWS!r}: the table of rows is")
        for problem in self._wrong_references():
            raise ValueError(problem)
        return self

    def _wrong_references(self) -> Iterator[str]:
        for reference in self.rows.references:
            if reference.lookup not in self.lookups:
                yield f"rows.references names {reference.lookup!r}: the lookups are {', '.join(self.lookups) or 'none'}"
                continue
            lookup = self.lookups[reference.lookup]
            here = [self.rows.columns[name].type for name in reference.columns]
            there = [lookup.columns[name].type for name in lookup.key]
            if here != there:
                yield (f"rows.references: {' + '.join(reference.columns)} ({', '.join(here)}) cannot name an entry of "
                       f"{reference.lookup}, whose key is {' + '.join(lookup.key)} ({', '.join(there)})")  # fmt: skip

    def batch_tables(self) -> dict[str, Table]:
        """The tables that arrive with each batch, the rows first."""
        return {ROWS: self.rows, **{name: table for name, table in self.lookups.items() if table.per_batch}}

    def standing_tables(self) -> dict[str, Table]:
        """The lookups that stand for all batches."""
        return {name: table for name, table in self.lookups.items() if not table.per_batch}

    def tables_of(self, unit: str) -> dict[str, Table]:
        """The tables of a unit: those of a batch, or the standing lookups."""
        return self.standing_tables() if unit == LOOKUPS else self.batch_tables()

    def tables(self) -> dict[str, Table]:
        """All tables, the rows first."""
        return {ROWS: self.rows, **self.lookups}

    def known_before(self) -> list[str]:
        """Columns of the rows that are known when a prediction is asked for."""
        return [name for name, column in self.rows.columns.items() if column.known == "before"]


def is_column_name(name: str) -> bool:
    """Whether a column may have this name: not one that polars reads as a pattern, or that quarantine adds."""
    return bool(name.strip()) and name not in RESERVED and not (name.startswith("^") and name.endswith("$"))


def _require_column(name: str, columns: dict[str, Column], where: str) -> None:
    if name not in columns:
        raise ValueError(f"{where} names {name!r}, which is no column of the table: {', '.join(columns)}")


def parse_schema(tree: object, *, source: str = "schema.yaml") -> Schema:
    """Turn the parsed YAML into records. Raises UsageError that lists every problem."""
    return parse_record(Schema, tree, source=source)
