"""What a schema checks, in words: a line for each column, and for what holds of a table as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ratchet.core.schema import ROWS, Column, Level, Reference, Rows, Schema, Table
from ratchet.core.validation.relations import compile_relation
from ratchet.core.validation.row_rules import missing, value_checks
from ratchet.errors import UsageError

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}
ZONES = ("UTC", None)
"""Timestamps have a zone or none, which data say and schemas do not: a relation has to work with one of them."""


@dataclass(frozen=True)
class CheckedRule:
    """What leads to a level, as people read it; `what` is a column, several, or a relation."""

    table: str
    what: str
    kind: str
    rule: str
    level: Level


def checked_rules(schema: Schema) -> list[CheckedRule]:
    """All rules that the schema says, table by table."""
    return [rule for name, table in schema.tables().items() for rule in _of_table(name, table)]


def wrong_relations(schema: Schema) -> Iterator[tuple[str, UsageError]]:
    """The relations that cannot be checked: the dotted key of each, and why."""
    for name, table in schema.tables().items():
        prefix = ROWS if name == ROWS else f"lookups.{name}"
        for index, relation in enumerate(table.relations):
            errors = []
            for zone in ZONES:
                types = {column: _type(each, zone) for column, each in table.columns.items()}
                try:
                    compile_relation(relation, types, table=name)
                except UsageError as error:
                    errors.append(error)
            if len(errors) == len(ZONES):
                yield f"{prefix}.relations.{index}", errors[0]


def _type(column: Column, zone: str | None) -> pl.DataType:
    return pl.Datetime("us", zone) if column.type == "timestamp" else TYPES[column.type]


def _of_table(name: str, table: Table) -> Iterator[CheckedRule]:
    yield CheckedRule(name, " + ".join(table.key), "key", "is missing, or in two rows of a batch", "quarantine")
    for column_name, column in table.columns.items():
        yield from _of_column(name, column_name, column, in_key=column_name in table.key)
    for relation in table.relations:
        means = f"; {relation.description}" if relation.description else ""
        yield CheckedRule(name, relation.rule, "relation", f"does not hold{means}", relation.level)
    if isinstance(table, Rows):
        yield from _of_rows(table)
    share = f"more than {100 * table.quarantine:.4g}% of a batch's rows are in quarantine"
    yield CheckedRule(name, "all rules", "quarantine", share, "refuse")


def _of_column(table: str, name: str, column: Column, *, in_key: bool) -> Iterator[CheckedRule]:
    """One entry for each level that breaking a rule of the column can lead to."""
    broken: dict[Level, list[str]] = {}
    if not column.nullable and not in_key:
        rule = missing(name, column)
        broken.setdefault(rule.level, []).append(rule.sentence)
    for check in value_checks(name, column):
        broken.setdefault(check.rule.level, []).append(check.rule.sentence)
    broken.setdefault("refuse", []).extend(_of_missing(column))
    kind = f"{column.type}, {column.unit}" if column.unit else column.type
    yield from (CheckedRule(table, name, kind, "; ".join(rules), level) for level, rules in broken.items() if rules)


def _of_missing(column: Column) -> Iterator[str]:
    if column.nullable and column.missing is None:
        yield "is missing in every row"
    elif column.missing is not None and column.missing < 1:
        yield f"is missing in more than {100 * column.missing:.4g}% of rows"


def _of_rows(rows: Rows) -> Iterator[CheckedRule]:
    if rows.period is not None:
        by = f" by the calendar of {rows.period.zone}" if rows.period.zone else ""
        outside = f"is not in the batch's {rows.period.every}{by}"
        yield CheckedRule(ROWS, str(rows.time), "period", outside, "quarantine")
    yield from (_of_reference(each) for each in rows.references)


def _of_reference(reference: Reference) -> CheckedRule:
    share = f"fewer than {100 * reference.matched:.4g}% of rows find an entry of {reference.lookup}"
    return CheckedRule(ROWS, " + ".join(reference.columns), "reference", share, "refuse")
