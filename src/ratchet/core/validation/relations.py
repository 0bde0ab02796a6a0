"""Relations between the columns of a row: SQL conditions of `schema.yaml` as polars expressions.

A condition is about one row: what looks at other rows, such as AVG or LAG, is refused by name.

`/` divides as real numbers do (7 / 2 = 3.5), `//` keeps the whole part (7 // 2 = 3, -7 // 2 = -3). What compares with a
missing value is missing, and a row for which the whole rule is missing passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from ratchet.core.schema import Relation
from ratchet.errors import UsageError

PROBE = 2
"""Rows of the table on which a rule is tried: a rule over whole columns gives one value for them, not two."""
OF_COLUMNS = frozenset(
    (
        *("ARRAY_AGG", "AVG", "CORR", "COUNT", "COVAR", "COVAR_POP", "COVAR_SAMP", "FIRST", "GROUP_CONCAT", "LAST"),
        *("LISTAGG", "MAX", "MEDIAN", "MIN", "QUANTILE_CONT", "QUANTILE_DISC", "STDDEV", "STDDEV_SAMP", "STDEV"),
        *("STDEV_SAMP", "STRING_AGG", "SUM", "TOTAL", "VAR", "VARIANCE", "VAR_SAMP"),
        *("CUME_DIST", "DENSE_RANK", "FIRST_VALUE", "LAG", "LAST_VALUE", "LEAD", "OVER", "PERCENT_RANK", "RANK"),
        *("ROW_NUMBER",),
    )
)
"""The aggregates and window functions of polars' SQL: their value for a row depends on other rows."""
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
CALL = re.compile(r"(\w+)\s*\(")


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
    if whole := _of_columns(relation.rule) or ("" if len(tried) == PROBE else "it"):
        raise _fault(relation, table, f"{whole} is about whole columns, and a relation is about one row")
    if tried.dtype != pl.Boolean:
        raise _fault(relation, table, f"it is no condition, but gives {tried.dtype}")
    return expression.fill_null(True), columns


def _of_columns(rule: str) -> str:
    """The first function that the rule calls and that looks at whole columns; empty if there is none."""
    called = (name.upper() for name in CALL.findall(QUOTED.sub("''", rule)))
    return next((name for name in called if name in OF_COLUMNS), "")


def _fault(relation: Relation, table: str, why: str) -> UsageError:
    return UsageError(
        f"schema.yaml: {table}.relations: {relation.rule!r} cannot be checked: {why}",
        next_step="write a SQL condition over the table's columns, such as hour * 100 + minute = sched_dep_time",
    )
