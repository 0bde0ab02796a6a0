"""A column's distribution in two versions as a few bars that are read side by side."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from ratchet.core.change.cells import sides
from ratchet.core.change.data_diff import Bars
from ratchet.core.change.moved import arrow

BINS = 16
"""Bars of numbers: enough for a shape, few enough to be named."""
VALUES = 10
"""Bars of texts and booleans: the commonest values of either version."""
TAIL = 0.005
"""Share of the numbers of each version that lies in the outermost bars, however far out: a few never set the scale."""
DAY = 86_400_000_000
"""Microseconds: bars of moments that are wider are named by their days alone."""
MISSING = "missing"
OTHERS = "others"


def bars(column: str, before: pl.Series, after: pl.Series) -> Bars:
    """The share of rows in each bar, of both versions, which have the same type or are both numbers.

    The first and last bar of numbers also hold what lies beyond them.
    """
    ordered = all(each.dtype.is_numeric() or isinstance(each.dtype, pl.Datetime | pl.Date) for each in (before, after))
    names, counts = _of_numbers(before, after) if ordered else _of_values(before, after)
    lost = [before.null_count() + _nans(before), after.null_count() + _nans(after)]
    if any(lost):
        names, counts = [*names, MISSING], [[*each, gone] for each, gone in zip(counts, lost, strict=True)]
    shares = [
        tuple(round(count / max(len(rows), 1), 6) for count in each)
        for each, rows in zip(counts, (before, after), strict=True)
    ]
    return Bars(column=column, names=tuple(names), before=shares[0], after=shares[1])


def _nans(values: pl.Series) -> int:
    return int(values.is_nan().sum()) if values.dtype.is_float() else 0


def _of_numbers(before: pl.Series, after: pl.Series) -> tuple[list[str], list[list[int]]]:
    numbers = [_floats(each) for each in (before, after)]
    present = [each for each in numbers if len(each)]
    if not present:
        return [], [[], []]
    low = min(float(np.quantile(each, TAIL, method="lower")) for each in present)
    high = max(float(np.quantile(each, 1 - TAIL, method="higher")) for each in present)
    distinct = np.unique(np.concatenate([np.unique(each.clip(low, high)) for each in present]))
    if len(distinct) <= BINS:
        edges = np.append(distinct, np.inf)
        names = [_name(value, before) for value in distinct]
    else:
        edges = np.linspace(low, high, BINS + 1)
        clock = (high - low) / BINS < DAY
        ends = [_name(edge, before, clock=clock) for edge in edges]
        names = [f"{one} to {other}" for one, other in pairwise(ends)]
    inside = [np.clip(np.searchsorted(edges, each.clip(low, high), "right") - 1, 0, len(names) - 1) for each in numbers]
    return names, [np.bincount(each, minlength=len(names)).tolist() for each in inside]


def _floats(values: pl.Series) -> NDArray[np.float64]:
    present = arrow(values.drop_nulls())
    if pa.types.is_timestamp(present.type) or pa.types.is_date(present.type):
        present = present.cast(pa.timestamp("us")).cast(pa.int64())
    numbers: NDArray[np.float64] = present.to_numpy().astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _name(value: float, column: pl.Series, *, clock: bool = True) -> str:
    """A number, or a moment, whose time of the day is left out where `clock` is off."""
    if isinstance(column.dtype, pl.Datetime | pl.Date):
        return f"{datetime.fromtimestamp(value / 1e6, UTC):{'%Y-%m-%d %H:%M' if clock else '%Y-%m-%d'}}"
    return f"{value + 0.0:.4g}"


def _of_values(before: pl.Series, after: pl.Series) -> tuple[list[str], list[list[int]]]:
    both = sides(before, after)
    counted = [
        dict(part.cast(pl.String).drop_nulls().value_counts().iter_rows()) for part in (both.before[0], both.after[0])
    ]
    rows = [max(len(before), 1), max(len(after), 1)]
    share = {value: max(each.get(value, 0) / all_ for each, all_ in zip(counted, rows, strict=True))
             for value in sorted({*counted[0], *counted[1]})}  # fmt: skip
    named = sorted(share, key=lambda value: -share[value])[:VALUES]
    counts = [[each.get(value, 0) for value in named] for each in counted]
    if len(share) > len(named):
        counts = [[*each, sum(every.values()) - sum(each)] for each, every in zip(counts, counted, strict=True)]
        return [*named, OTHERS], counts
    return named, counts
