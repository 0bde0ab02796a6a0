"""Changes for values that a column's rules do not allow: a wider range, more categories, missing values."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ratchet.core.report.text import count
from ratchet.core.schema import ROWS, Column, Table
from ratchet.core.schema_inference.columns import MOST_VALUES, finite
from ratchet.core.schema_inference.room import highest_allowed, lowest_allowed, missing_allowed
from ratchet.core.schema_proposal.records import Case, Change, Fault, Path
from ratchet.core.validation.records import Finding
from ratchet.core.validation.texts import decoded_rightly, plainly

MOST = 0.5
"""If more of the values than this break a rule, it is the values that are wrong."""
STANDINS = frozenset(sign * float("9" * places) for sign in (1, -1) for places in range(2, 7))
"""99, 999, ... and their negatives, which stand for a missing value."""


def table_of(finding: Finding, case: Case) -> tuple[Table, Path]:
    """The declaration of the finding's table, and where it is."""
    if finding.table == ROWS:
        return case.schema.rows, (ROWS,)
    return case.schema.lookups[finding.table], ("lookups", finding.table)


def column_of(finding: Finding, case: Case) -> tuple[Column, Path]:
    """The declaration of the finding's column, and where it is."""
    table, path = table_of(finding, case)
    return table.columns[finding.column], (*path, "columns", finding.column)


def widen(finding: Finding, case: Case) -> list[Change | Fault]:
    """Move `min` or `max` to where all values lie inside, with room."""
    column, path = column_of(finding, case)
    values = finite(case.frames[finding.table][finding.column])
    if values.is_empty():
        return [Fault(finding, "no value is a finite number")]
    low, high = (float(each) for each in (values.min(), values.max()))  # type: ignore[arg-type]  # numbers have both
    below = finding.rule == "below-min"
    outside = values.filter(values < column.min) if below else values.filter(values > column.max)
    if outside.is_empty():
        return [Fault(finding, "what is out of range is infinite")]
    if fault := _wrong_values(finding, outside, len(values)):
        return [fault]
    low, high = _from(column.min, low, least=True), _from(column.max, high, least=False)
    new = lowest_allowed(low, high) if below else highest_allowed(low, high)
    if new is None:
        return [Fault(finding, "no range in round numbers has room for these values")]
    key, old = ("min", column.min) if below else ("max", column.max)
    return [
        Change(
            path=path,
            key=key,
            value=new,
            where=f"{finding.table}.{finding.column}",
            reason=f"{key} {old:.15g} is too narrow: values reach {low if below else high:.15g}",
            evidence=_evidence(finding),
            risk=f"a wrong value between {min(new, old or 0.0):.15g} and {max(new, old or 0.0):.15g} comes in unseen",
        )
    ]


def add_values(finding: Finding, case: Case) -> list[Change | Fault]:
    """Add the new categories to `values`."""
    column, path = column_of(finding, case)
    known = column.values or []
    present = case.frames[finding.table][finding.column].drop_nulls()
    new = present.filter(~present.is_in(known)).unique().sort()
    plain = {plainly(value): value for value in known}
    if spelled := [value for value in new if plainly(value) in plain]:
        return [Fault(finding, f"{spelled[0]!r} is another spelling of {plain[plainly(spelled[0])]!r}")]
    if not decoded_rightly(new).all():
        return [Fault(finding, "the text was decoded wrongly: the right encoding mends it")]
    if not present.is_in(known).any():
        return [Fault(finding, "none of the known values is there: it reads as another column")]
    if len(new) > MOST_VALUES:
        return [
            Fault(finding, f"{len(new)} new values are no list of categories: remove values by hand, if they are right")
        ]
    return [
        Change(
            path=path,
            key="values",
            value=[*known, *new.to_list()],
            where=f"{finding.table}.{finding.column}",
            reason=f"{count(len(new), 'new value')}: {', '.join(new)}",
            evidence=_evidence(finding),
            risk=_risk_of_new([value for value in known if not (present == value).any()]),
        )
    ]


def _risk_of_new(gone: Sequence[str]) -> str:
    risk = "no model has learnt from the new values yet; a misspelt one would be a category from now on"
    return f"{risk}; no row has {', '.join(gone)} any more: if that is only a new name, mend the name" if gone else risk


def allow_missing(finding: Finding, case: Case) -> list[Change | Fault]:
    """Say that values may be missing, and of how many rows."""
    column, path = column_of(finding, case)
    if finding.column in table_of(finding, case)[0].key:
        return [Fault(finding, "a row without its key cannot be told from others")]
    frame = case.frames[finding.table]
    share = frame[finding.column].null_count() / frame.height
    if share == 1:
        return [Fault(finding, "a column without any value is what a failed join leaves")]
    allowed = max(missing_allowed(share), column.missing or 0.0)
    new = {} if column.nullable else {"nullable": True}
    risk = f"a join that fails for fewer than {allowed:.4g} of rows comes in unseen"
    return [
        Change(
            path=path,
            key=key,
            value=value,
            where=f"{finding.table}.{finding.column}",
            reason=f"{share:.2%} of rows have no value",
            evidence=_evidence(finding),
            risk=risk if key == "missing" else "features.py gets missing values of it, which it never had to take",
        )
        for key, value in {**new, "missing": allowed}.items()
    ]


def _wrong_values(finding: Finding, outside: pl.Series, present: int) -> Fault | None:
    if len(outside) > MOST * present:
        return Fault(
            finding, f"{len(outside) / present:.0%} of the values are out of range: they may be in another unit"
        )
    if outside.n_unique() == 1 and len(outside) > 1 and float(outside[0]) in STANDINS:
        return Fault(finding, f"{outside[0]} in {len(outside)} rows stands for a missing value")
    return None


def _from(bound: float | None, found: float, *, least: bool) -> float:
    if bound is None:
        return found
    return min(bound, found) if least else max(bound, found)


def _evidence(finding: Finding) -> str:
    rows = count(finding.count, "row")
    return f"{rows}, for example {', '.join(finding.examples[:3])}" if finding.examples else rows
