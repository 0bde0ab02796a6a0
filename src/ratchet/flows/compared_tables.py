"""One table in two versions, as files: read by the schema where there is one, compared, and shown by a few rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import polars as pl

from ratchet.core.change.data import (
    TableDiff,
    category_changes,
    category_fields,
    diff_tables,
    is_same,
    table_change,
    whole_table,
)
from ratchet.core.change.data_diff import Bars, DiffedTable
from ratchet.core.change.data_examples import examples
from ratchet.core.change.distribution import bars
from ratchet.core.change.records import BatchChange
from ratchet.core.schema import ROWS, Table
from ratchet.errors import UsageError
from ratchet.flows.label_flips import EditedLabels, edited_labels
from ratchet.flows.table_notes import SAME_ROWS, Notes
from ratchet.io.diff_tables import columns_of, read_for_diff
from ratchet.io.room import FeatureFunctions, feature_functions, read_params, read_schema

PICTURES = 12
"""Columns of a table that are drawn, the farthest moved."""


@dataclass(frozen=True)
class Pair:
    """One table of one unit, before and after; None where a version does not have it."""

    unit: str
    table: str
    before: Path | None
    after: Path | None


@dataclass
class Comparer:
    """How tables are compared: by the project's schema and label function, or by what the files say without one.

    `key` replaces the schema's; at most `examples` rows of each kind are shown; `pictures` says whether to count bars.
    """

    root: Path | None
    key: tuple[str, ...] = ()
    examples: int = 3
    pictures: bool = False
    notes: Notes = field(default_factory=Notes)

    @cached_property
    def rules(self) -> dict[str, Table]:
        """The schema's tables; none outside of a project."""
        if self.root is None:
            return {}
        return read_schema(self.root, read_params(self.root)).tables()

    @cached_property
    def functions(self) -> FeatureFunctions | None:
        """The room's functions; None outside of a project."""
        return feature_functions(self.root, read_params(self.root)) if self.root else None

    def table_of(self, *files: Path) -> str:
        """Which table of the schema these files are: the one whose key they have and most of whose columns.

        `ROWS` if there is none.
        """
        names = [set(columns_of(path)) for path in files]
        fitting = {
            name: min(len(each & rule.columns.keys()) for each in names)
            for name, rule in self.rules.items()
            if all(each.issuperset(rule.key) and len(each & rule.columns.keys()) * 2 > len(each) for each in names)
        }
        return max(fitting, key=lambda name: fitting[name], default=ROWS)

    def read(self, path: Path, table: str) -> pl.DataFrame:
        """One version of a table, with the schema's types where it has them. Raises UsageError."""
        rule = self.rules.get(table)
        known = rule if rule and set(rule.key) & set(columns_of(path)) else None
        return read_for_diff(path, known)

    def table(self, pair: Pair) -> DiffedTable | None:
        """What happened to a table; None if it is the same but for the order of its rows or its bytes."""
        if pair.before is None or pair.after is None:
            return self._whole(pair)
        before, after = self.read(pair.before, pair.table), self.read(pair.after, pair.table)
        about = f"{pair.unit} {pair.table}"
        diff = diff_tables(before, after, self._key(before, after, pair.table, about))
        self._say_of_key(diff, about)
        labels = self._labels(diff, pair.table, about)
        change = table_change(pair.unit, pair.table, diff, label_flips=labels.flips if labels else None)
        if is_same(change):
            self.notes.say(about, SAME_ROWS)
            return None
        return self._described(diff, change, labels)

    def _say_of_key(self, diff: TableDiff, about: str) -> None:
        """What a reader must know of the key: that it pairs nothing, or does not tell rows apart."""
        if len(diff.key) == len(diff.cells):
            return
        key = ", ".join(diff.key)
        if not diff.kept and len(diff.before) and len(diff.after):
            self.notes.say(about, f"no row has the same {key} in both: --key names other columns")
        repeated = [
            f"{rows:,} {when}" for rows, when in zip(diff.kept.repeated, ("before", "now"), strict=True) if rows
        ]
        if repeated:
            self.notes.say(about, f"rows that share their {key} with another one: {' and '.join(repeated)}")

    def _whole(self, pair: Pair) -> DiffedTable:
        path = pair.after or pair.before
        if path is None:
            raise ValueError(f"{pair.unit} {pair.table} is in neither version")
        kind: Literal["added", "removed"] = "added" if pair.after else "removed"
        rows = len(self.read(path, pair.table))
        return DiffedTable(change=whole_table(pair.unit, pair.table, kind, rows, labelled=pair.table == ROWS))

    def _key(self, before: pl.DataFrame, after: pl.DataFrame, table: str, about: str) -> tuple[str, ...]:
        """What rows are matched by: all columns of both, if there is no key that both have."""
        shared = [name for name in after.columns if name in before.columns]
        lacking = [name for name in self.key if name not in shared]
        if lacking and (table == ROWS or table not in self.rules):
            raise UsageError(
                f"--key {', '.join(lacking)}: not a column of both versions of {about}",
                next_step=f"choose among {', '.join(shared) or 'nothing: no column is in both'}",
            )
        # The key that was asked for is that of the rows; a lookup beside them has its own.
        key = () if lacking else self.key
        key = key or tuple(self.rules[table].key if table in self.rules else ())
        if key and set(key) <= set(shared):
            return key
        why = f"not both versions have the key {', '.join(key)}" if key else "no key is known, --key names one"
        self.notes.say(about, f"rows are compared whole, an edited one is one removed and one added: {why}")
        return tuple(shared)

    def _labels(self, diff: TableDiff, table: str, about: str) -> EditedLabels | None:
        if table != ROWS or self.functions is None or table not in self.rules:
            return None
        if not set(self.rules[table].key) <= set(diff.cells):
            return None
        return edited_labels(self.functions.label, diff, partial(self.notes.say, about))

    def _described(self, diff: TableDiff, change: BatchChange, labels: EditedLabels | None) -> DiffedTable:
        new, gone = category_changes(diff)
        seen = (labels.before, labels.after, labels.flipped) if labels else None
        return DiffedTable(
            change=change.model_copy(update=category_fields(new)),
            examples=examples(diff, self.examples, labels=seen),
            pictures=self._pictures(diff, change) if self.pictures else (),
            **category_fields(gone, "gone"),
        )

    def _pictures(self, diff: TableDiff, change: BatchChange) -> tuple[Bars, ...]:
        moved = sorted((each for each in change.columns if each.distance), key=lambda each: -(each.distance or 0))
        return tuple(bars(each.column, diff.before[each.column], diff.after[each.column]) for each in moved[:PICTURES])
