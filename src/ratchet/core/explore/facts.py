"""`facts.json`: all that the page over all batches needs of one batch, so that no other batch is read for it again."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import Field

from ratchet.core.explore.association import Association, association, measure_of
from ratchet.core.explore.outliers import Outliers, far_out, outside
from ratchet.core.explore.sketch import Sketch, sketch
from ratchet.core.explore.target import Rate, coded, rates, usable
from ratchet.core.explore.values import finite_numbers, present
from ratchet.core.findings import Finite
from ratchet.core.params import Task
from ratchet.core.schema import Column, Table
from ratchet.core.validation.profile_rows import local

if TYPE_CHECKING:
    import pandas as pd


class ColumnFacts(Finite):
    """One column."""

    sketch: Sketch
    low: str = Field(description="the lowest value, in words; empty for texts and booleans")
    high: str = Field(description="the highest one")
    mean: float | None = Field(description="of finite numbers")
    commonest: tuple[tuple[str, int], ...] = Field(description="texts and booleans: values with their rows")
    outliers: Outliers | None
    outside: int = Field(description="values that the schema does not allow")
    infinite: int = Field(description="numbers without an end; the other numbers leave them out")


class TableFacts(Finite):
    """One table."""

    rows: int
    columns: dict[str, ColumnFacts]


class Target(Finite):
    """What the room's `label` says of the rows."""

    labelled: int = Field(description="rows with a label; only they take part")
    rates: tuple[Rate, ...]
    measure: str = Field(description="of the associations")
    associations: tuple[Association, ...] = Field(description="each column of the rows with the target")


class Coverage(Finite):
    """When the rows are, by `rows.time`."""

    first: str
    last: str
    zone: str = Field(description="whose calendar the days are of")
    days: dict[str, int] = Field(description="rows on each day that has any, in their order")

    @property
    def empty_days(self) -> int:
        """Days without rows between the first and the last one."""
        first, last = (date.fromisoformat(day) for day in (min(self.days), max(self.days)))
        return (last - first).days + 1 - len(self.days)


class BatchFacts(Finite):
    """One batch, or the standing lookups."""

    batch: str
    tables: dict[str, TableFacts]
    target: Target | None = Field(default=None, description="None: no row has a label")
    coverage: Coverage | None = Field(default=None, description="None: rows have no time")
    quarantined: dict[str, int] | None = Field(default=None, description="rows by table; None: not validated yet")


COMMONEST = 3


def table_facts(frame: pl.DataFrame, table: Table) -> TableFacts:
    """The facts of a typed table."""
    columns = {name: _column_facts(frame[name], column) for name, column in table.columns.items()}
    return TableFacts(rows=frame.height, columns=columns)


def target_facts(frame: pl.DataFrame, target: pd.Series, cluster: pd.Series | None, task: Task) -> Target | None:
    """What the (n,) labels say of n rows; rows without a label or a cluster take no part. None if none takes part."""
    kept = usable(target, cluster)
    if not kept.any():
        return None
    codes, rows = coded(target[kept], task), frame.filter(pl.Series(kept))
    return Target(
        labelled=int(kept.sum()),
        rates=rates(target[kept], None if cluster is None else cluster[kept], task),
        measure=measure_of(codes),
        associations=tuple(association(rows[name], codes) for name in rows.columns),
    )


def coverage(moments: pl.Series, zone: str) -> Coverage | None:
    """When rows are; moments without a zone count as they are written. None if there are none."""
    there = moments.drop_nulls()
    if not len(there):
        return None
    clock = local(there, zone)
    days = clock.dt.date().cast(pl.String).alias("day").value_counts(name="rows").sort("day")
    return Coverage(
        first=_moment(clock.min()),
        last=_moment(clock.max()),
        zone=zone if isinstance(there.dtype, pl.Datetime) and there.dtype.time_zone else "",
        days=dict(days.iter_rows()),
    )


def _column_facts(values: pl.Series, column: Column) -> ColumnFacts:
    one = sketch(values)
    there = present(values)
    number = there.dtype.is_numeric()
    finite = there.filter(there.cast(pl.Float64).is_finite()) if number else there
    low, high = (finite.min(), finite.max()) if one.ordered else (None, None)
    common = () if one.ordered else tuple(list(one.values.items())[:COMMONEST])
    return ColumnFacts(
        sketch=one,
        low=_word(low),
        high=_word(high),
        mean=_mean(there) if number else None,
        commonest=common,
        outliers=far_out(there) if number else None,
        outside=outside(values, column),
        infinite=len(there) - len(finite),
    )


def _mean(values: pl.Series) -> float | None:
    numbers = finite_numbers(values)
    scale = float(np.abs(numbers).max(initial=0.0)) or 1.0
    return float((numbers / scale).mean()) * scale if len(numbers) else None


def _word(value: object) -> str:
    if isinstance(value, datetime):
        return _moment(value) + (" UTC" if value.tzinfo else "")
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _moment(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}"
