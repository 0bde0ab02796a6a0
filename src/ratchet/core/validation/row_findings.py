"""From broken rules to findings, and to the rows that go into quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from ratchet.core.schema import Table
from ratchet.core.validation.records import EXAMPLES, Finding
from ratchet.core.validation.row_rules import RowRule
from ratchet.core.validation.rules import ROW, Broken
from ratchet.core.validation.wording import named

RULES = "_rules"
"""The column that holds why a row is in quarantine: a list of "column: rule"."""


def finding_of(broken: Broken, frame: pl.DataFrame, *, table: str) -> Finding:
    """The finding of a broken rule, with the first distinct values that break it."""
    rule = broken.rule
    values = frame[broken.rows].select(rule.shows).unique(maintain_order=True).head(EXAMPLES)
    missing = rule.rule == "missing"
    return Finding(
        table=table,
        column=rule.column,
        rule=rule.rule,
        level=rule.level,
        sentence=rule.sentence,
        count=len(broken.rows),
        examples=() if missing else tuple(named(rule.shows, row) for row in values.rows()),
        relation=rule.relation,
    )


def split_copies(broken: Broken, frame: pl.DataFrame, table: Table) -> list[Broken]:
    """Of the rows whose key is not unique: copies of a whole row, the first of which stays, and rows that contradict.

    Rows without a key are left to the rule that it must be there.
    """
    rows = frame.select(list(table.columns))[broken.rows].insert_column(0, broken.rows.alias(ROW))
    rows = rows.filter(pl.all_horizontal(pl.col(table.key).is_not_null()))
    versions = rows.drop(ROW).unique().group_by(table.key).len("_versions")
    rows = rows.join(versions, on=table.key, maintain_order="left")
    first = pl.col(ROW) == pl.col(ROW).min().over(table.key)
    copies = rows.filter((pl.col("_versions") == 1) & ~first)[ROW]
    contradicting = rows.filter(pl.col("_versions") > 1)[ROW]
    copied = RowRule(column=broken.rule.column, rule="duplicate-row", level="quarantine",
                     sentence="row is there more than once; its first stays", shows=broken.rule.shows)  # fmt: skip
    found = (Broken(copied, copies), Broken(broken.rule, contradicting))
    return [each for each in found if len(each.rows)]


def quarantined_rows(frame: pl.DataFrame, broken: Iterable[Broken]) -> pl.DataFrame:
    """The rows that break any of the rules: their position, the rules, and all columns; in the order of the table."""
    marks = [_marks(each) for each in broken]
    if not marks:
        return _none(frame)
    reasons = pl.concat(marks).group_by(ROW, maintain_order=True).agg(RULES).sort(ROW)
    return reasons.hstack(frame[reasons[ROW]])


def _marks(broken: Broken) -> pl.DataFrame:
    reason = f"{broken.rule.column}: {broken.rule.rule}"
    return pl.DataFrame({ROW: broken.rows.cast(pl.UInt32)}).with_columns(pl.lit(reason).alias(RULES))


def _none(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32, RULES: pl.List(pl.String), **frame.schema})


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What refuses the batch before what quarantines rows before warnings; released ones last; then by rows."""
    order = {"refuse": 0, "quarantine": 1, "warn": 2}
    return tuple(
        sorted(
            findings,
            key=lambda each: (bool(each.released), order[each.level], -each.count, each.table, each.column, each.rule),
        )
    )
