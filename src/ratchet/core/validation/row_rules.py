"""The rules that a single row can break, as they follow from the schema: each with its name, level and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from ratchet.core.schema import Column, Level
from ratchet.core.validation.texts import CONTROL, decoded_rightly


@dataclass(frozen=True, kw_only=True)
class RowRule:
    """One rule: `column` is what it is about (several joined by "+"), `shows` are the columns of its examples."""

    column: str
    rule: str
    level: Level
    sentence: str
    shows: tuple[str, ...]
    relation: str = ""


@dataclass(frozen=True)
class ValueCheck:
    """A rule on the values of one column: an expression that is true, or null, where the rule is kept."""

    rule: RowRule
    holds: Callable[[pl.Expr], pl.Expr]


def missing(name: str, column: Column) -> RowRule:
    """The rule that a value must be there."""
    return rule_of(name, "missing", _strict(column), "is missing")


def value_checks(name: str, column: Column) -> Iterator[ValueCheck]:
    """The rules on the values of one column, of those that are there."""
    yield from _range(name, column)
    if column.type == "number":
        rule = rule_of(name, "infinite", _strict(column), "is infinite")
        yield ValueCheck(rule, lambda values: ~values.is_infinite())
    if column.type == "string":
        yield from _texts(name, column)


def _range(name: str, column: Column) -> Iterator[ValueCheck]:
    unit = f" {column.unit}" if column.unit else ""
    if (least := column.min) is not None:
        rule = rule_of(name, "below-min", column.level, f"is below {least:g}{unit}")
        yield ValueCheck(rule, lambda values: values >= least)
    if (most := column.max) is not None:
        rule = rule_of(name, "above-max", column.level, f"is above {most:g}{unit}")
        yield ValueCheck(rule, lambda values: values <= most)


def _texts(name: str, column: Column) -> Iterator[ValueCheck]:
    if (known := column.values) is not None:
        rule = rule_of(name, "not-in-values", column.level, f"is none of {', '.join(known)}")
        yield ValueCheck(rule, lambda values: values.is_in(known))
        return
    rule = rule_of(name, "mojibake", column.level, "was decoded wrongly")
    yield ValueCheck(rule, lambda values: values.map_batches(decoded_rightly, return_dtype=pl.Boolean))
    rule = rule_of(name, "control-character", column.level, "holds a control character")
    yield ValueCheck(rule, lambda values: ~values.str.contains(CONTROL))


def rule_of(column: str, rule: str, level: Level, sentence: str) -> RowRule:
    """A rule on one column."""
    return RowRule(column=column, rule=rule, level=level, sentence=sentence, shows=(column,))


def _strict(column: Column) -> Level:
    """A value that later stages cannot take is never only warned of."""
    return "refuse" if column.level == "refuse" else "quarantine"
