"""Relations between the columns of a row: SQL conditions of `schema.yaml` as polars expressions.

`/` divides as real numbers do (7 / 2 = 3.5), `//` keeps the whole part (7 // 2 = 3, -7 // 2 = -3). What compares with a
missing value is missing, and a row for which the whole rule is missing passes.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ratchet.core.schema import Relation
from ratchet.errors import UsageError

PROBE = 2
"""Rows of the table on which a rule is tried: a rule over whole columns gives one value for them, not two."""


def compile_relation(relation: Relation, types: Mapping[str, pl.DataType], *, table: str) -> tuple[pl.Expr, list[str]]:
    """The condition as an expression that is never null, and the columns it reads, in their order.

    `types` are those of the table's columns. Raises UsageError if the rule is no SQL, names an unknown column, is no
    condition, or is not about single rows.
    """
    try:
        expression = pl.sql_expr(relation.rule)
        columns = list(dict.fromkeys(expression.meta.root_names()))
        nothing = pl.DataFrame({name: pl.Series(name, [None] * PROBE, kind) for name, kind in types.items()})
        tried = nothing.select(expression.alias("holds")).to_series()
    except pl.exceptions.PolarsError as error:
        raise _fault(relation, table, str(error).splitlines()[0]) from error
    if not columns:
        raise _fault(relation, table, "it names no column")
    if len(tried) != PROBE:
        raise _fault(relation, table, "it is about whole columns, and a relation is about one row")
    if tried.dtype != pl.Boolean:
        raise _fault(relation, table, f"it is no condition, but gives {tried.dtype}")
    return expression.fill_null(True), columns


def _fault(relation: Relation, table: str, why: str) -> UsageError:
    return UsageError(
        f"schema.yaml: {table}.relations: {relation.rule!r} cannot be checked: {why}",
        next_step="write a SQL condition over the table's columns, such as hour * 100 + minute = sched_dep_time",
    )
