"""The rows that break a rule: the schema compiled to a dataframely schema, which checks all its rules in one pass.

Columns are renamed by their position, so that no name of a column can meet the name of a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from ratchet.core.schema import Column, Relation, Table
from ratchet.core.validation.relations import compile_relation
from ratchet.core.validation.row_rules import RowRule, missing, value_checks

if TYPE_CHECKING:
    import dataframely as dy

ROW = "_row"
"""The column that holds a row's position in its table, from 0."""
UNIQUE = "primary_key"
"""What dataframely calls the rule that the key is unique."""


@dataclass(frozen=True)
class Condition:
    """A rule that needs an expression over the table of its own: true where the row keeps it, never null."""

    rule: RowRule
    holds: pl.Expr


@dataclass(frozen=True)
class Compiled:
    """A dataframely schema, the rules by the names it gives them, and the conditions it wants as columns."""

    schema: type[dy.Schema]
    rules: Mapping[str, RowRule]
    names: Mapping[str, str] = field(repr=False)
    conditions: Mapping[str, pl.Expr]


@dataclass(frozen=True)
class Broken:
    """A rule that is broken, and the positions of the rows that break it, rising."""

    rule: RowRule
    rows: pl.Series


def broken_rules(frame: pl.DataFrame, table: Table, conditions: Sequence[Condition], *, name: str) -> list[Broken]:
    """All rules of table `name` that rows of `frame` break; `frame` has the table's columns with the table's types.

    `conditions` are rules beside those of the schema. Raises UsageError if a relation of the schema cannot be checked.
    """
    compiled = _compile(frame, table, [*relations(frame, table, name=name), *conditions])
    renamed = frame.select(list(table.columns)).rename(compiled.names)
    checks = frame.select(**compiled.conditions).get_columns() if compiled.conditions else []
    _, failure = compiled.schema.filter(renamed.hstack(checks).with_row_index(ROW))
    counts = failure.counts()
    if not counts:
        return []
    details = failure.details()
    return [
        Broken(compiled.rules[rule], details.filter(pl.col(rule) == "invalid")[ROW])
        for rule in compiled.rules
        if rule in counts
    ]


def relations(frame: pl.DataFrame, table: Table, *, name: str) -> list[Condition]:
    """The relations of the schema as conditions. Raises UsageError if one cannot be checked."""
    types = {column: kind for column, kind in frame.schema.items() if column in table.columns}
    found = []
    for relation in table.relations:
        holds, columns = compile_relation(relation, types, table=name)
        rule = RowRule(
            column="+".join(columns),
            rule="relation",
            level=relation.level,
            sentence=_words(relation),
            shows=tuple(columns),
        )
        found.append(Condition(rule, holds))
    return found


def _words(relation: Relation) -> str:
    meaning = f" ({relation.description})" if relation.description else ""
    return f"does not keep the rule {relation.rule}{meaning}"


def _compile(frame: pl.DataFrame, table: Table, conditions: Sequence[Condition]) -> Compiled:
    import dataframely as dy

    names = {column: f"c{position}" for position, column in enumerate(table.columns)}
    key = "+".join(table.key)
    rules = {UNIQUE: RowRule(column=key, rule="key-not-unique", level="quarantine",
                             sentence="key is not unique", shows=tuple(table.key))}  # fmt: skip
    body: dict[str, Any] = {ROW: dy.UInt32(nullable=True)}
    for name, column in table.columns.items():
        alias = names[name]
        checks = list(value_checks(name, column))
        rules[f"{alias}|nullability"] = missing(name, column)
        rules |= {f"{alias}|check__{each.rule.rule}": each.rule for each in checks}
        body[alias] = _type(column, frame.schema[name])(
            nullable=column.nullable and name not in table.key,
            primary_key=name in table.key,
            check={each.rule.rule: each.holds for each in checks},
        )
    holding = {f"r{position}": condition for position, condition in enumerate(conditions)}
    for name, condition in holding.items():
        rules[f"{name}|check__holds"] = condition.rule
        body[name] = dy.Bool(check={"holds": _itself})
    return Compiled(type("Compiled", (dy.Schema,), body), rules, names,
                    {name: condition.holds for name, condition in holding.items()})  # fmt: skip


def _itself(values: pl.Expr) -> pl.Expr:
    return values


def _type(column: Column, found: pl.DataType) -> Any:
    """The dataframely type of a column: Arrow's types as `conform` makes them."""
    from functools import partial

    import dataframely as dy

    if isinstance(found, pl.Datetime):
        return partial(dy.Datetime, time_unit=found.time_unit, time_zone=found.time_zone)
    if column.type == "number":
        return partial(dy.Float64, allow_inf=True, allow_nan=True)
    return {"string": dy.String, "integer": dy.Int64, "boolean": dy.Bool}[column.type]
