"""A table beside earlier ones of its kind: what every detector is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from ratchet.core.schema import Level, Table
from ratchet.core.validation.profile import ColumnProfile, Numbers, TableProfile
from ratchet.core.validation.records import EXAMPLES, Finding

LEAST_ROWS = 30
"""Values that a column must have, now and in an earlier batch, for the two to be compared."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One column as it is now, and as it was in the earlier batches that have enough values of it, oldest first."""

    column: str
    now: ColumnProfile
    before: tuple[ColumnProfile, ...]
    rows: int
    rows_before: tuple[int, ...]

    @property
    def numbers_before(self) -> list[Numbers]:
        """The numbers of the earlier batches that have any."""
        return [each.numbers for each in self.before if each.numbers]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A table called `name`, its rows, its profile, and the profiles of earlier batches, oldest first."""

    name: str
    table: Table
    frame: pl.DataFrame
    now: TableProfile
    before: Sequence[TableProfile]

    def pairs(self, least: int = LEAST_ROWS) -> Iterator[Pair]:
        """Columns with at least `least` values, now and in one earlier batch or more, in the schema's order."""
        yield from self._pairs if least == LEAST_ROWS else self._found(least)

    @cached_property
    def _pairs(self) -> list[Pair]:
        return list(self._found(LEAST_ROWS))

    def _found(self, least: int) -> Iterator[Pair]:
        for name, now in self.now.columns.items():
            rows = present(now, self.now.rows)
            old = [(each.columns[name], each.rows) for each in self.before if name in each.columns]
            kept = [(column, present(column, all_)) for column, all_ in old if present(column, all_) >= least]
            if rows >= least and kept:
                columns, counts = zip(*kept, strict=True)
                yield Pair(column=name, now=now, before=columns, rows=rows, rows_before=counts)

    def finding(
        self, rule: str, level: Level, column: str, sentence: str, *, count: int, examples: Sequence[str] = ()
    ) -> Finding:
        """A finding in this table; `count` is the rows concerned."""
        return Finding(
            table=self.name,
            column=column,
            rule=rule,
            level=level,
            sentence=sentence,
            count=count,
            examples=tuple(examples[:EXAMPLES]),
        )


def present(column: ColumnProfile, rows: int) -> int:
    """How many of `rows` rows have a value."""
    return round((1 - column.missing) * rows)


def many(count: int, what: str) -> str:
    """A number of things: '1 day', '1,200 rows'."""
    return f"{count:,} {what if count == 1 else what + 's'}"


def batches(count: int) -> str:
    """How many earlier batches, in words.

    >>> batches(1), batches(6)
    ('the batch before it', 'the 6 batches before it')
    """
    return "the batch before it" if count == 1 else f"the {count} batches before it"
