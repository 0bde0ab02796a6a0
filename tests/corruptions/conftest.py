"""Real months of the flights, each with the three months before it, and the judgement on what a test makes of one.

A test corrupts the tables as they come from the source, and hands them to the entry that batches come in by: parsing,
then `validate_batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import yaml

from ratchet.core.conform import conform
from ratchet.core.schema import Schema, Table, parse_schema
from ratchet.core.validation.batch import validate_batch
from ratchet.core.validation.profile import BatchProfile, profile_batch
from ratchet.core.validation.records import Finding
from ratchet.flows.look import frames, standing_frames
from ratchet.io.tables import arrow

ROOT = Path(__file__).resolve().parents[2]
HISTORY = 3
Tables = Mapping[str, pd.DataFrame]
Change = Callable[[pd.DataFrame], pd.DataFrame]


def parsed(frame: pd.DataFrame, table: Table, name: str) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """A table as every stage sees it, or what keeps it from being parsed."""
    typed, findings = conform(arrow(frame), table, name=name)
    if findings:
        return pl.DataFrame(), findings
    found = pl.from_arrow(typed)
    assert isinstance(found, pl.DataFrame)
    return found, ()


@dataclass
class Months:
    """The twelve months as the source yields them, and what was found out about them so far."""

    raw: dict[str, Tables]
    schema: Schema
    _frames: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    _profiles: dict[str, BatchProfile] = field(default_factory=dict)

    @cached_property
    def lookups(self) -> dict[str, pl.DataFrame]:
        """The standing lookups."""
        tables = self.schema.standing_tables()
        return {name: parsed(frame, tables[name], name)[0] for name, frame in standing_frames(ROOT).items()}

    def write(self, month: str, name: str, path: Path) -> None:
        """Write a table of a month as Parquet."""
        pq.write_table(arrow(self.raw[month][name]), path)

    def table(self, month: str, name: str) -> pd.DataFrame:
        """A table of a month, to be corrupted: a copy."""
        return self.raw[month][name].copy()

    def frame(self, month: str, name: str) -> pl.DataFrame:
        """A table of a month as it is, parsed."""
        if (month, name) not in self._frames:
            declared = self.schema.batch_tables()[name]
            self._frames[month, name], _ = parsed(self.raw[month][name], declared, name)
        return self._frames[month, name]

    def profile(self, month: str) -> BatchProfile:
        """The profile of a month as it is."""
        if month not in self._profiles:
            tables = {name: self.frame(month, name) for name in self.raw[month]}
            self._profiles[month] = profile_batch(tables, self.schema)
        return self._profiles[month]

    def before(self, month: str, history: int = HISTORY) -> dict[str, BatchProfile]:
        """The profiles of the months before one."""
        names = [name for name in self.raw if name < month][-history:]
        return {name: self.profile(name) for name in names}

    def judge(
        self, month: str, changed: Tables, *, until: datetime | None = None, history: int = HISTORY
    ) -> tuple[Finding, ...]:
        """All findings on a month some of whose tables are `changed`."""
        declared = self.schema.batch_tables()
        read = {name: parsed(frame, declared[name], name) for name, frame in changed.items()}
        unreadable = tuple(finding for _, findings in read.values() for finding in findings)
        if unreadable:
            return unreadable
        tables = {name: self.frame(month, name) for name in self.raw[month]}
        tables |= {name: frame for name, (frame, _) in read.items()} | self.lookups
        before = self.before(month, history)
        found = validate_batch(month, tables, self.schema, before=before, released=(), until=until)
        return found.report.findings


@pytest.fixture(scope="session")
def months() -> Months:
    """2013, month by month."""
    room = ROOT / "src" / "flights" / "schema.yaml"
    schema = parse_schema(yaml.safe_load(room.read_text(encoding="utf-8")))
    return Months(dict(frames(ROOT)), schema)


@pytest.fixture
def named(months: Months) -> Callable[[str, str, Change], set[tuple[str, str, str]]]:
    """Corrupts one table of one month; returns the (column, rule, level) of each finding on that table."""

    def corrupt(month: str, table: str, change: Change) -> set[tuple[str, str, str]]:
        findings = months.judge(month, {table: change(months.table(month, table))})
        return {(each.column, each.rule, each.level) for each in findings if each.table == table}

    return corrupt
