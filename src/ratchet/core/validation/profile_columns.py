"""The profile of one column: every value is counted once, and all else is read off the distinct ones."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratchet.core.validation.profile import (
    CATEGORIES,
    DECIMALS,
    PROBABILITIES,
    TEXT_KEPT,
    TOP,
    ColumnProfile,
    Common,
    Numbers,
    Texts,
    Times,
)
from ratchet.core.validation.profile_rows import TimeOrder, local

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def column_profile(
    values: pl.Series, *, zone: str | None, order: TimeOrder | None, counts: pl.DataFrame | None = None
) -> ColumnProfile:
    """Profile a column; `zone` is that of the clock by which moments are read, `order` how the rows lie in time.

    `counts` are the distinct values and the count of each, if they are known.
    """
    if values.dtype.is_float():
        values = values.fill_nan(None) + 0.0  # -0 is 0
    if counts is None:
        # To drop nothing would take as long as to count.
        there = values.drop_nulls() if values.null_count() else values
        counts = there.value_counts(sort=False, name="count")
    described: dict[str, Numbers | Texts | Times | None] = {}
    if values.dtype.is_numeric():
        described["numbers"] = _numbers(values, counts, order)
    elif values.dtype == pl.String:
        described["texts"] = _texts(counts)
    elif values.dtype.is_temporal():
        described["times"] = _times(counts, zone)
    return ColumnProfile.model_validate(
        {
            "missing": round(values.null_count() / max(len(values), 1), 6),
            "distinct": counts.height,
            "top": _top_numbers(counts) if values.dtype.is_numeric() else _top(counts),
            **described,
        }
    )


def _top_numbers(counts: pl.DataFrame) -> tuple[Common, ...]:
    """What `_top` gives, for numbers."""
    value, count = (column.to_numpy() for column in counts.get_columns())
    many = count.astype(np.int64)
    least = np.partition(many, -TOP)[-TOP] if len(many) > TOP else 0
    chosen = np.flatnonzero(many >= least)
    chosen = chosen[np.lexsort((value[chosen], -many[chosen]))[:TOP]]
    return tuple(
        Common(value=_written(each), count=rows)
        for each, rows in zip(value[chosen].tolist(), many[chosen].tolist(), strict=True)
    )


def _top(counts: pl.DataFrame) -> tuple[Common, ...]:
    if counts.is_empty():
        return ()
    value, count = counts.columns
    kept = CATEGORIES if counts[value].dtype == pl.String and counts.height <= CATEGORIES else TOP
    least = counts[count].top_k(kept).min()
    first = counts.filter(pl.col(count) >= least).sort([count, value], descending=[True, False]).head(kept)
    if first[value].dtype.is_temporal():  # Python's dates end in the year 9999
        first = first.with_columns(_iso(first[value]))
    return tuple(Common(value=_written(each), count=many) for each, many in first.iter_rows())


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)[:TEXT_KEPT]


def _iso(moments: pl.Series) -> pl.Series:
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S" + ("%:z" if getattr(moments.dtype, "time_zone", None) else ""))


def _numbers(values: pl.Series, counts: pl.DataFrame, order: TimeOrder | None) -> Numbers | None:
    value, count = counts.get_columns()
    distinct, many = value.to_numpy().astype(np.float64), count.to_numpy().astype(np.int64)
    finite = np.isfinite(distinct)
    distinct, many = distinct[finite], many[finite]
    if not len(distinct):
        return None
    place = np.argsort(distinct)
    distinct, many = distinct[place], many[place]
    return Numbers(
        quantiles=_quantiles(distinct, many),
        decimals=_decimals(distinct, many),
        zero=_share(distinct == 0, many),
        negative=_share(distinct < 0, many),
        lowest=_share(distinct == distinct[0], many),
        highest=_share(distinct == distinct[-1], many),
        run=order.longest_run(values) if order and len(distinct) > 1 else 0,
    )


def _quantiles(distinct: Floats, many: Ints) -> tuple[float, ...]:
    """The values at the nearest ranks."""
    below = np.cumsum(many)
    ranks = np.rint(np.array(PROBABILITIES) * (below[-1] - 1)).astype(np.int64)
    return tuple(float(each) for each in distinct[np.searchsorted(below, ranks, side="right")] + 0.0)


def _decimals(distinct: Floats, many: Ints) -> tuple[float, ...]:
    found = []
    for places in range(DECIMALS):
        with np.errstate(over="ignore", invalid="ignore"):  # 1e308 has no decimals, and no thousandfold
            scaled = distinct * 10.0**places
            round_ = np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1)
        found.append(_share(round_ | ~np.isfinite(scaled), many))
    return tuple(found)


def _share(chosen: NDArray[np.bool_], many: Ints) -> float:
    return round(float(many[chosen].sum() / many.sum()), 6)


def _texts(counts: pl.DataFrame) -> Texts | None:
    if not counts.height:
        return None
    value = counts[counts.columns[0]]
    lengths = value.str.len_chars()
    many = counts["count"].cast(pl.Int64).to_numpy()
    padded = (value.str.strip_chars() != value).to_numpy()
    return Texts(
        shortest=int(lengths.to_numpy().min()), longest=int(lengths.to_numpy().max()), padded=_share(padded, many)
    )


def _times(counts: pl.DataFrame, zone: str | None) -> Times | None:
    if not counts.height:
        return None
    moments = local(counts[counts.columns[0]], zone)
    many = counts["count"].cast(pl.Int64).to_numpy()
    hours = np.bincount(moments.dt.hour().to_numpy(), weights=many, minlength=24)
    first, last = _iso(moments.sort().gather([0, -1]))
    return Times(
        first=first,
        last=last,
        hours=tuple(int(each) for each in hours),
        midnight=_share((moments.dt.time().cast(pl.Int64) == 0).to_numpy(), many),
    )
