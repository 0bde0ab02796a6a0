"""When two cells of a column are equal, also where the column's type is not the same on both sides.

Missing equals missing, and NaN is missing. A value that only its type tells apart is the same value: 1 is 1.0, a day is
its midnight, a moment is the same moment in another zone. A moment with a zone is never one without, and "1" is not 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Sides:
    """One column of both versions as parts of one type each: cells are equal where all of their parts are."""

    before: tuple[pl.Series, ...]
    after: tuple[pl.Series, ...]


def sides(before: pl.Series, after: pl.Series) -> Sides:
    """Both versions of a column such that equal values are equal parts, and missing ones are null.

    >>> both = sides(pl.Series([1, 2**53 + 1]), pl.Series([1.0, 2.0**53]))
    >>> [one.eq_missing(other).to_list() for one, other in zip(both.before, both.after)]
    [[True, True], [True, False]]
    """
    old, new = _plain(before), _plain(after)
    if old.dtype == new.dtype:
        return Sides((old,), (new,))
    if pl.Null in (old.dtype, new.dtype):
        return Sides((old.cast(_other(old.dtype, new.dtype)),), (new.cast(_other(old.dtype, new.dtype)),))
    if _counts(old.dtype) and _counts(new.dtype):
        return Sides((old.cast(pl.Int128),), (new.cast(pl.Int128),))
    if _is_number(old.dtype) and _is_number(new.dtype):
        return _numbers(old, new)
    if _is_moment(old.dtype) and _is_moment(new.dtype) and _zoned(old.dtype) == _zoned(new.dtype):
        return Sides(_moments(old), _moments(new))
    return Sides((_presence(old, 0),), (_presence(new, 1),))


def differ(before: Sequence[pl.Series], after: Sequence[pl.Series]) -> pl.Series:
    """For each row whether a part differs; the parts are of the same length."""
    found = before[0].ne_missing(after[0])
    for old, new in zip(before[1:], after[1:], strict=True):
        found |= old.ne_missing(new)
    return found


def type_name(values: pl.Series) -> str:
    """A column's type as schema.yaml writes it, in polars' words where it has none; empty if no value is there.

    >>> [type_name(pl.Series(values)) for values in ([1], [1.5], ["a"], [True], [None])]
    ['integer', 'number', 'string', 'boolean', '']
    """
    kind = values.dtype
    if values.null_count() == len(values):
        return ""
    if kind.is_integer():
        return "integer"
    if kind.is_float() or kind.is_decimal():
        return "number"
    if _is_text(kind):
        return "string"
    if isinstance(kind, pl.Datetime):
        return "timestamp with a zone" if kind.time_zone else "timestamp"
    return str(kind).lower()


def _plain(values: pl.Series) -> pl.Series:
    """Texts as texts and NaN as missing."""
    if values.dtype.is_float():
        return values.fill_nan(None)
    return values.cast(pl.String) if _is_text(values.dtype) and values.dtype != pl.String else values


def _numbers(before: pl.Series, after: pl.Series) -> Sides:
    """A float and an integer are equal if each is the other: a float has no room for every integer.

    Decimals of different places are compared as floats.
    """
    if before.dtype.is_float() and after.dtype.is_float():
        return Sides((before.cast(pl.Float64),), (after.cast(pl.Float64),))
    return Sides(_both_ways(before), _both_ways(after))


def _both_ways(values: pl.Series) -> tuple[pl.Series, ...]:
    return values.cast(pl.Float64), values.cast(pl.Int128, strict=False)


def _moments(values: pl.Series) -> tuple[pl.Series, ...]:
    """Microseconds, and the nanoseconds beyond them: no cast of one resolution to another can overflow."""
    kind = values.dtype
    if isinstance(kind, pl.Datetime) and kind.time_unit == "ns":
        ticks = values.to_physical()
        return ticks // 1_000, ticks % 1_000
    micro = values.cast(pl.Datetime("us")).to_physical() if kind == pl.Date else _micro(values)
    return micro, micro * 0


def _micro(values: pl.Series) -> pl.Series:
    kind = values.dtype
    unit = kind.time_unit if isinstance(kind, pl.Datetime) else "us"
    return values.to_physical() * (PER_SECOND["us"] // PER_SECOND[unit])


def _presence(values: pl.Series, side: int) -> pl.Series:
    """Null where a value is missing, and elsewhere what the other side never has."""
    mark = pl.Series([side], dtype=pl.UInt8)
    return mark.new_from_index(0, len(values)).set(values.is_null(), None)


def _other(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    return other if one == pl.Null else one


def _counts(kind: pl.DataType) -> bool:
    return kind.is_integer() or kind == pl.Boolean


def _is_number(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind == pl.Boolean


def _is_text(kind: pl.DataType) -> bool:
    return kind in (pl.String, pl.Categorical, pl.Enum)


def _is_moment(kind: pl.DataType) -> bool:
    return kind in (pl.Datetime, pl.Date)


def _zoned(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Datetime) and kind.time_zone is not None
