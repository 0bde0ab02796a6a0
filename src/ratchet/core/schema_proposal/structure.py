"""Changes for what is wrong with a whole column or table: decimals in whole numbers, a new column, a lookup's gaps."""

from __future__ import annotations

import polars as pl

from ratchet.core.conform import conform
from ratchet.core.schema import ROWS, Column, Table
from ratchet.core.schema_inference.columns import infer_column
from ratchet.core.schema_inference.room import matched_required
from ratchet.core.schema_inference.types import column_type
from ratchet.core.schema_proposal.faults import why_not
from ratchet.core.schema_proposal.records import Case, Change, Fault
from ratchet.core.schema_proposal.values import column_of, table_of
from ratchet.core.validation.records import Finding

LEAK = 0.9999
"""A new number that goes with an outcome like this says it."""


def as_number(finding: Finding, case: Case) -> list[Change | Fault]:
    """Read whole numbers with decimals among them as numbers; no other type takes what another one refused."""
    column, path = column_of(finding, case)
    found = column_type(finding.column, [case.raws[finding.table]])
    if column.type != "integer" or found != "number":
        return [Fault(finding, f"values that are not of type {column.type} are wrong, or the column is another one")]
    return [
        Change(
            path=path,
            key="type",
            value="number",
            where=f"{finding.table}.{finding.column}",
            reason="values have decimals",
            evidence=f"{finding.count:,} rows, for example {', '.join(finding.examples[:3])}",
            risk="features.py gets decimals of it; a whole number that became a decimal by accident comes in unseen",
        )
    ]


def match_less(finding: Finding, case: Case) -> list[Change | Fault]:
    """Let fewer rows find their entry in a lookup."""
    references = case.schema.rows.references
    index = next(
        place
        for place, each in enumerate(references)
        if "+".join(each.columns) == finding.column and f"matches {each.lookup} " in finding.sentence
    )
    rows = case.frames[ROWS].height
    share = (rows - finding.count) / rows
    allowed = matched_required(share)
    if allowed is None or allowed >= references[index].matched:
        return [Fault(finding, "fewer than half of the rows find an entry: the lookup is another one, or its keys are")]
    return [
        Change(
            path=(ROWS, "references", index),
            key="matched",
            value=allowed,
            where=f"rows.references.{references[index].lookup}",
            reason=f"{share:.2%} of rows find an entry, where {references[index].matched:.4g} must",
            evidence=f"{finding.count:,} rows find none, for example {', '.join(finding.examples[:3])}",
            risk=f"a lookup that lacks up to {1 - allowed:.0%} of the entries comes in unseen",
        )
    ]


def add_column(finding: Finding, case: Case) -> list[Change | Fault]:
    """Declare a column that is new, where no other batch is without it."""
    name, (table, path) = finding.column, table_of(finding, case)
    if case.others:
        return [Fault(finding, why_not("unknown-column"))]
    raw = case.raws[finding.table].select([name])
    kind = column_type(name, [raw])
    if kind is None:
        return [Fault(finding, f"its type, {raw.column(name).type}, is none of schema.yaml")]
    typed, _ = conform(raw, Table(key=[name], columns={name: Column(type=kind)}), name=finding.table)
    values = pl.DataFrame(typed)[name]
    if outcome := _same_as_an_outcome(values, table, case.frames.get(finding.table, pl.DataFrame())):
        return [
            Fault(
                finding, f"it says the outcome {outcome}: a label leak, unless it is an outcome itself (known: after)"
            )
        ]
    return [
        Change(
            path=(*path, "columns"),
            key=name,
            value=infer_column(kind, [values], known="before", in_key=False).column,
            where=finding.table,
            reason=f"{name} is new, and its values are of type {kind}",
            evidence=f"{finding.count:,} rows",
            risk="it is declared as known before; if it is an outcome, it needs known: after, or the label leaks",
        )
    ]


def _same_as_an_outcome(values: pl.Series, table: Table, frame: pl.DataFrame) -> str:
    """The outcome that the values reproduce; empty if there is none."""
    for name, column in table.columns.items():
        if column.known != "after" or name not in frame.columns:
            continue
        outcome = frame[name]
        if values.dtype.is_numeric() and outcome.dtype.is_numeric():
            found = pl.DataFrame({"a": values, "b": outcome}).select(pl.corr("a", "b")).item()
            if found is not None and abs(found) >= LEAK:
                return name
        elif values.dtype == outcome.dtype and bool((values == outcome).all()):
            return name
    return ""
