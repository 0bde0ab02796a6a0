"""What happened to the data between a base commit and the work tree: batches, rows, labels, values, distributions.

Compared is what `ingest` wrote, typed tables by batch: two versions whose bytes are the same are not looked at. Labels
are what the room's label function of the work tree says of both versions, so that a flip is a change of the data and
never one of the code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from ratchet.core.change.column_shift import LEAST_BATCHES, RECENT, farthest_first, shifted
from ratchet.core.change.data import (
    NewValues,
    TableDiff,
    category_fields,
    diff_tables,
    is_same,
    new_values,
    place,
    table_change,
    whole_table,
)
from ratchet.core.change.records import BatchChange, ColumnShift, DataChange
from ratchet.core.schema import LOOKUPS, ROWS, Schema, Table
from ratchet.errors import ServiceFailed
from ratchet.flows.batch_findings import batch_findings
from ratchet.flows.label_flips import edited_labels
from ratchet.flows.table_notes import SAME_ROWS, Notes
from ratchet.io import layout
from ratchet.io.batches import RawBatches, pointer
from ratchet.io.ingested import Ingested, fetch_ingested
from ratchet.io.revision import Revision
from ratchet.io.room import FeatureFunctions, feature_functions, read_params, read_schema
from ratchet.settings import Settings

if TYPE_CHECKING:
    from ratchet.io.ingested import Repo

SHIFTS = 10
"""Columns reported at most, the farthest."""


def data_change(settings: Settings, repo: Repo, base: Revision) -> DataChange:
    """Compare the data of `base` with the work tree's, which `ingest` has read.

    Where the base's tables are nowhere, the note says which batches git knows to be new or gone.
    Raises TamperedFile if a table of the work tree is not what was recorded, UsageError for params.yaml or the schema.
    """
    findings = batch_findings(base.root, repo, base)
    return _tables_changed(settings, repo, base).model_copy(update={"findings": findings})


def _tables_changed(settings: Settings, repo: Repo, base: Revision) -> DataChange:
    if layout.INGESTED not in base.outs():
        return _by_name(base, f"dvc.lock of {base.commit[:9]} names no ingested data")
    with tempfile.TemporaryDirectory() as name:
        try:
            found = fetch_ingested(repo, base, Path(name))
        except ServiceFailed as error:
            return _by_name(base, error.message)
        return _Comparison(settings, base, found).change()


@dataclass
class _Comparison:
    """The two versions, and what is said about them on the way."""

    settings: Settings
    base: Revision
    found: Ingested
    notes: Notes = field(default_factory=Notes)

    @cached_property
    def schema(self) -> Schema:
        return read_schema(self.base.root, read_params(self.base.root))

    @cached_property
    def rules(self) -> dict[str, Table]:
        return self.schema.tables()

    @cached_property
    def functions(self) -> FeatureFunctions:
        return feature_functions(self.base.root, read_params(self.base.root))

    def change(self) -> DataChange:
        changes = [change for change in self._tables() if not self._is_same(change)]
        changes.sort(key=lambda each: place(each.batch, each.table))
        changes = self._with_categories(changes)
        shifts = farthest_first(self._shifts(changes))[:SHIFTS]
        return DataChange(batches=tuple(changes), shifts=shifts, note=self.notes.text())

    def _tables(self) -> Iterator[BatchChange]:
        for (unit, name), (in_base, in_head) in self.found.differing().items():
            if in_head and name not in self.rules:
                self.notes.say(
                    f"{unit} {name}", "not compared: the table is no longer in schema.yaml, ratchet run first"
                )
            elif in_base and in_head:
                yield self._table(unit, name)
            else:
                rows = self.found.read(unit, name, base=in_base, columns=()).num_rows
                yield whole_table(unit, name, "added" if in_head else "removed", rows, labelled=name == ROWS)

    def _table(self, unit: str, name: str) -> BatchChange:
        before, after = (pl.DataFrame(self.found.read(unit, name, base=base)) for base in (True, False))
        about = f"{unit} {name}"
        if self._raw_is_same(unit, name):
            self.notes.say(about, "the raw data is the same, the schema or the code that reads it changed")
        diff = diff_tables(before, after, self._key(name, before, about))
        return table_change(
            unit, name, diff, label_flips=self._flips(diff, about) if name == ROWS and diff.key else None
        )

    def _key(self, name: str, before: pl.DataFrame, about: str) -> list[str]:
        """What rows are matched by; nothing if the base's rows do not have it."""
        key = self.rules[name].key
        lacking = [column for column in key if column not in before.columns]
        if lacking:
            self.notes.say(about, f"rows cannot be matched: the base has no {', '.join(lacking)}, now part of the key")
        return [] if lacking else key

    def _flips(self, diff: TableDiff, about: str) -> int | None:
        found = edited_labels(self.functions.label, diff, partial(self.notes.say, about))
        return found.flips if found else None

    def _raw_is_same(self, unit: str, name: str) -> bool:
        raw = RawBatches(self.base.root)
        path = raw.standing_files().get(name) if unit == LOOKUPS else raw.folder / unit
        if path is None or not pointer(path).is_file():
            return False
        recorded = self.base.text(str(pointer(path).relative_to(self.base.root)))
        return recorded == pointer(path).read_text(encoding="utf-8").rstrip("\n")

    def _is_same(self, change: BatchChange) -> bool:
        if is_same(change):
            self.notes.say(f"{change.batch} {change.table}", SAME_ROWS)
            return True
        return False

    def _with_categories(self, changes: list[BatchChange]) -> list[BatchChange]:
        found: dict[tuple[str, str], dict[str, NewValues]] = {}
        for table in sorted({each.table for each in changes if each.kind != "removed"}):
            units = [each.batch for each in changes if each.table == table and each.kind != "removed"]
            if not self.found.batches(table, base=True):
                # Of the first batches all values are new, which says nothing.
                continue
            texts = self.rules[table].texts()
            after = {unit: self.found.read(unit, table, base=False, columns=texts) for unit in units}
            new = new_values(after, self._known(table, texts))
            found |= {(unit, table): values for unit, values in new.items()}
        return [each.model_copy(update=category_fields(found.get((each.batch, each.table), {}))) for each in changes]

    def _known(self, table: str, columns: list[str]) -> Iterator[pa.Table]:
        """The base's tables, the newest first: what is not new is found soonest."""
        for unit in reversed(self.found.batches(table, base=True)):
            yield self.found.read(unit, table, base=True, columns=columns)

    def _shifts(self, changes: list[BatchChange]) -> Iterator[ColumnShift]:
        for name, rule in self.schema.batch_tables().items():
            units = [each.batch for each in changes if each.table == name and each.kind != "removed"]
            if not units:
                continue
            known = self.found.batches(name, base=True)[-RECENT:]
            if len(known) < LEAST_BATCHES:
                self.notes.say(name, f"distributions are compared from {LEAST_BATCHES} batches of the base on")
                continue
            if len(units) > RECENT:
                self.notes.say(name, f"distributions of the newest {RECENT} batches are compared")
            new = {unit: self.found.read(unit, name, base=False) for unit in units[-RECENT:]}
            yield from shifted(
                name, {unit: self.found.read(unit, name, base=True) for unit in known}, new, list(rule.columns)
            )


def _by_name(base: Revision, why: str) -> DataChange:
    """What git knows of the batches, where their tables cannot be compared."""
    folder = RawBatches(base.root).folder.relative_to(base.root)
    before = {Path(name).stem for name in base.files(str(folder)) if name.endswith(".dvc")}
    after = {path.stem for path in (base.root / folder).glob("*.dvc")}
    new, gone = sorted(after - before), sorted(before - after)
    said = [f"{word} {', '.join(names)}" for word, names in (("added", new), ("removed", gone)) if names]
    return DataChange(batches=(), shifts=(), note=f"{why}; by name: {', '.join(said) or 'the same batches'}")
