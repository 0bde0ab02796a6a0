"""The rows that break a rule: the schema compiled to a dataframely schema, which checks all its rules in one pass.

Columns are renamed by their position, so that no name of a column can meet the name of a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
    compiled = _compile(frame, table, _doubtful(frame, [*relations(frame, table, name=name), *conditions]))
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


def _doubtful(frame: pl.DataFrame, conditions: Sequence[Condition]) -> list[Condition]:
    """The conditions without those that are seen at once to hold.

    What the clock of a zone shows is dear to find out, and many rows have one moment: conditions on moments are tried
    on the distinct values first.
    """
    moments = {name for name, kind in frame.schema.items() if kind.is_temporal()}
    dear = [each for each in conditions if not moments.isdisjoint(each.holds.meta.root_names())]
    distinct = frame.select(sorted({name for each in dear for name in each.holds.meta.root_names()})).unique()
    if not dear or distinct.height * 2 > frame.height:
        return list(conditions)
    tried = distinct.select(each.holds.all().alias(str(place)) for place, each in enumerate(dear)).row(0)
    kept = {id(each) for each, holds in zip(dear, tried, strict=True) if holds}
    return [each for each in conditions if id(each) not in kept]


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
            relation=relation.rule,
        )
        found.append(Condition(rule, holds))
    return found


def _words(relation: Relation) -> str:
    meaning = f" ({relation.description})" if relation.description else ""
    return f"does not keep the rule {relation.rule}{meaning}"


def _compile(frame: pl.DataFrame, table: Table, conditions: Sequence[Condition]) -> Compiled:
    names = {column: f"c{position}" for position, column in enumerate(table.columns)}
    key = "+".join(table.key)
    rules = {UNIQUE: RowRule(column=key, rule="key-not-unique", level="quarantine",
                             sentence="key is not unique", shows=tuple(table.key))}  # fmt: skip
    for name, column in table.columns.items():
        rules[f"{names[name]}|nullability"] = missing(name, column)
        rules |= {f"{names[name]}|check__{each.rule.rule}": each.rule for each in value_checks(name, column)}
    holding = {f"r{position}": condition for position, condition in enumerate(conditions)}
    rules |= {f"{name}|check__holds": condition.rule for name, condition in holding.items()}
    types = tuple(frame.schema[name] for name in table.columns)
    return Compiled(_schema(_Same(table), types, len(conditions)), rules, names,
                    {name: condition.holds for name, condition in holding.items()})  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Same:
    """A table's declaration, equal to itself alone: one is used for many batches, and is dear to compile."""

    table: Table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.table is other.table

    def __hash__(self) -> int:
        return id(self.table)


@lru_cache(maxsize=16)
def _schema(same: _Same, types: tuple[pl.DataType, ...], conditions: int) -> type[dy.Schema]:
    import dataframely as dy

    table = same.table
    body: dict[str, Any] = {ROW: dy.UInt32(nullable=True)}
    for position, ((name, column), found) in enumerate(zip(table.columns.items(), types, strict=True)):
        body[f"c{position}"] = _type(column, found)(
            nullable=column.nullable and name not in table.key,
            primary_key=name in table.key,
            check={each.rule.rule: each.holds for each in value_checks(name, column)},
        )
    body |= {f"r{position}": dy.Bool(check={"holds": _itself}) for position in range(conditions)}
    return type("Compiled", (dy.Schema,), body)


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
