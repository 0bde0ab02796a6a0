"""What a profile says of rows as wholes: what each day holds, how long values stay the same, which keys there are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratchet.core.validation.profile import DAYS, SKETCH, Day
from ratchet.core.validation.row_hashes import Words, mixed, row_hashes, weighted

LEAST_ROWS = 10
"""Different rows from which on a day's content names it: fewer may repeat by chance."""
EVER = (-62_135_424_000_000_000, 253_402_041_600_000_000)
"""Microseconds of 0001-01-03 and 9999-12-29: moments between them have a date in any zone."""
LEAST_TIMES = 20
"""Rows that each thing observed must have on average for runs to be measured."""


@dataclass(frozen=True)
class TimeOrder:
    """How rows lie in time: their positions, things apart from one another, and where the next thing starts."""

    positions: NDArray[np.int64]
    starts: NDArray[np.bool_]

    def longest_run(self, values: pl.Series) -> int:
        """The most neighbours with the same number; a missing value ends a run."""
        numbers = values.to_numpy()[self.positions].astype(np.float64, copy=False)
        new = self.starts.copy()
        new[1:] |= numbers[1:] != numbers[:-1]
        return int(np.diff(np.append(np.flatnonzero(new), len(new))).max())


def in_time_order(
    frame: pl.DataFrame, words: Mapping[str, Words], *, key: Sequence[str], time: str | None
) -> TimeOrder | None:
    """The order of the rows of each thing that is observed: of one station, say, as the key names it beside the time.

    None without a time, and where things have too few rows each to tell how long a value lasts. Where the key names
    every row by itself, all rows are of one thing.
    """
    if time is None or time not in frame.columns or frame.height < LEAST_TIMES:
        return None
    things = [name for name in key if name != time and name in frame.columns]
    count = frame.select(things).n_unique() if things else 1
    if count == frame.height:
        things, count = [], 1
    if frame.height / count < LEAST_TIMES:
        return None
    thing = row_hashes([words[name] for name in things]) if things else np.zeros(frame.height, np.uint64)
    moments = words[time].view(np.int64)
    positions = np.lexsort((moments, thing))
    starts = np.append(True, np.diff(thing[positions]) != 0)
    if (~starts[1:] & (np.diff(moments[positions]) == 0)).any():
        # The whole row breaks ties: the bytes must not depend on the order of the rows.
        positions = np.lexsort((row_hashes(list(words.values())), moments, thing))
    return TimeOrder(positions, starts)


def profile_days(
    frame: pl.DataFrame, words: Mapping[str, Words], *, key: Sequence[str], time: str | None, zone: str | None
) -> tuple[Day, ...]:
    """The rows and the content of each day, the first DAYS of them."""
    if time is None or time not in frame.columns:
        return ()
    known = frame[time].dt.timestamp("us").is_between(*EVER).fill_null(value=False)
    if not known.any():
        return ()
    days = _days(frame[time].filter(known), zone)
    names = [name for name in frame.columns if name not in key and not frame[name].dtype.is_temporal()]
    hashes = _contents(days, [words[name] if known.all() else words[name][known.to_numpy()] for name in names])
    low, high = hashes & np.uint64(0xFFFFFFFF), hashes >> np.uint64(32)
    found = (
        pl.DataFrame({"day": days, "hash": hashes, "low": low, "high": high})
        .group_by("day")
        .agg(pl.len().alias("rows"), pl.col("low", "high").sum(), pl.col("hash").n_unique())
        .sort("day")
        .head(DAYS)
    )
    return tuple(
        Day(day=day.isoformat(), rows=rows, content=_digest(rows, low, high) if _tells(rows, different) else "")
        for day, rows, low, high, different in found.select("day", "rows", "low", "high", "hash").iter_rows()
    )


def _days(moments: pl.Series, zone: str | None) -> pl.Series:
    """The day of each moment; of the distinct ones where they are few, as the clock of a zone is dear to read."""
    distinct = moments.unique()
    if 4 * len(distinct) > len(moments):
        return local(moments, zone).dt.date()
    return moments.replace_strict(distinct, local(distinct, zone).dt.date())


def _contents(days: pl.Series, columns: list[Words]) -> Words:
    """A hash of each row by what varies within its day: what is the same all day long may be the date itself."""
    place = days.rank("dense").cast(pl.Int64).to_numpy() - 1
    order = None if (np.diff(place) >= 0).all() else np.argsort(place, kind="stable")
    starts = np.searchsorted(place if order is None else place[order], np.arange(place.max() + 1))
    total = np.zeros(len(place), dtype=np.uint64)
    for position, words in enumerate(columns):
        sorted_words = words if order is None else words[order]
        varies = np.maximum.reduceat(sorted_words, starts) != np.minimum.reduceat(sorted_words, starts)
        if varies.all():
            total += weighted(words, position)
        elif varies.any():
            total += np.where(varies[place], weighted(words, position), np.uint64(0))
    return mixed(total)


def _tells(rows: int, different: int) -> bool:
    return different >= LEAST_ROWS and 2 * different >= rows


def _digest(rows: int, low: int, high: int) -> str:
    return hashlib.blake2b(f"{rows} {low} {high}".encode(), digest_size=8).hexdigest()


def key_sketch(words: Mapping[str, Words], key: Sequence[str]) -> tuple[str, ...]:
    """The SKETCH smallest hashes of the rows' keys (Broder 1997, On the resemblance and containment of documents)."""
    if any(name not in words for name in key):
        return ()
    hashes = row_hashes([words[name] for name in key])
    if len(hashes) > 4 * SKETCH:
        hashes = hashes[hashes <= np.partition(hashes, 4 * SKETCH)[4 * SKETCH]]
    return tuple(f"{each:016x}" for each in np.unique(hashes)[:SKETCH].tolist())


def local(moments: pl.Series, zone: str | None) -> pl.Series:
    """Instants by the clock of `zone`, UTC without one; moments without a zone as they are."""
    if getattr(moments.dtype, "time_zone", None) is None:
        return moments.cast(pl.Datetime("us"))
    return moments.dt.convert_time_zone(zone or "UTC")
