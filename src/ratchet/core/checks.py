"""Validation: the typed table against the rules of its schema, checked by pandera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.core.schema import Column, Table
from ratchet.errors import EXAMPLES_SHOWN, Violation

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

UNIQUE = "key is not unique"


def check(rows: pd.DataFrame, table: Table, *, name: str) -> tuple[Violation, ...]:
    """All broken rules of one typed table, worst first; empty if there are none.

    `rows` has the table's columns (from `conform`). Examples are bounded however large the data.
    """
    import pandera.pandas as pa

    try:
        _compiled(table).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        found = _violations(errors.failure_cases, name)
    else:
        found = []
    repeated = rows[rows.duplicated(table.key, keep=False)]
    if len(repeated):
        found.append(_repeated(repeated, table, name))
    return tuple(sorted(found, key=lambda violation: -violation.count))


def _compiled(table: Table) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    columns = {
        name: pa.Column(None, checks=_rules(column), nullable=column.nullable or name in table.key)
        for name, column in table.columns.items()
    }
    for name in table.key:
        columns[name] = pa.Column(None, checks=_rules(table.columns[name]), nullable=False)
    return pa.DataFrameSchema(columns)


def _rules(column: Column) -> list[pa.Check]:
    import pandera.pandas as pa

    rules = []
    if column.min is not None:
        rules.append(pa.Check.ge(column.min, error=f"is below {column.min:g}{_unit(column)}"))
    if column.max is not None:
        rules.append(pa.Check.le(column.max, error=f"is above {column.max:g}{_unit(column)}"))
    if column.values is not None:
        rules.append(pa.Check.isin(column.values, error=f"is none of {', '.join(column.values)}"))
    return rules


def _unit(column: Column) -> str:
    return f" {column.unit}" if column.unit else ""


def _violations(cases: pd.DataFrame, name: str) -> list[Violation]:
    return [
        Violation(
            table=name,
            column=str(column),
            rule="is missing" if rule == "not_nullable" else str(rule),
            count=len(group),
            examples=tuple(str(value) for value in group["failure_case"].drop_duplicates()[:EXAMPLES_SHOWN]),
        )
        for (column, rule), group in cases.groupby(["column", "check"], sort=True)
    ]


def _repeated(repeated: pd.DataFrame, table: Table, name: str) -> Violation:
    first = repeated.drop_duplicates(table.key)[table.key].head(EXAMPLES_SHOWN)
    return Violation(
        table=name,
        column="+".join(table.key),
        rule=UNIQUE,
        count=len(repeated),
        examples=tuple(" ".join(str(value) for value in row) for row in first.itertuples(index=False)),
    )
