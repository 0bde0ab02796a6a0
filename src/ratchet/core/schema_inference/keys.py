"""The key of a table: the fewest columns that together tell all rows of a batch apart, in every batch.

Rows that are equal in all columns are one row here: validation keeps the first. The search is bounded, and tries
columns in one order, so that the same tables have the same key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice
from math import prod

import polars as pl

from ratchet.core.schema import ColumnType

MOST_COLUMNS = 4
MOST_TRIES = 2000
"""Sets of columns that are looked at."""
FIRST_ROWS = 2000
"""Most sets fail on the first rows of a batch."""
ORDER: Mapping[ColumnType, int] = {"string": 0, "integer": 1, "timestamp": 2, "boolean": 3}
"""Names before numbers; what was measured (`number`) names nothing."""


def find_key(
    frames: Sequence[pl.DataFrame], types: Mapping[str, ColumnType], *, time: str | None, without: Sequence[str] = ()
) -> list[str] | None:
    """The key of a table that has these typed frames, one a batch, in the order of its columns; None if it has none.

    `time` is the column that orders the rows: it is tried first. Columns of `without` are not taken.
    """
    distinct = [frame.unique(maintain_order=True) for frame in frames]
    named = [name for name in _named(types, time) if name not in without and not _has_gaps(name, frames)]
    times = [] if time is None or _has_gaps(time, frames) else [time]
    counts = [{name: frame[name].n_unique() for name in (*named, *times)} for frame in distinct]
    alone = [name for name in types if name in named]
    for wanted in islice(_sets(alone, named, times), MOST_TRIES):
        enough = all(
            prod(count[name] for name in wanted) >= frame.height for count, frame in zip(counts, distinct, strict=True)
        )
        if enough and is_key(wanted, distinct):
            return [name for name in types if name in wanted]
    return None


def is_key(columns: Sequence[str], frames: Sequence[pl.DataFrame]) -> bool:
    """Whether no two rows of one frame agree in all of `columns`."""
    heads = (frame.head(FIRST_ROWS) for frame in frames)
    return all(_unique(columns, frame) for frame in heads) and all(_unique(columns, frame) for frame in frames)


def _unique(columns: Sequence[str], frame: pl.DataFrame) -> bool:
    return frame.select(columns).n_unique() == frame.height


def _named(types: Mapping[str, ColumnType], time: str | None) -> list[str]:
    """The columns that may name a row, beside its time, the likeliest first."""
    columns = [name for name, kind in types.items() if kind in ORDER and name != time]
    return sorted(columns, key=lambda name: ORDER[types[name]])


def _has_gaps(name: str, frames: Sequence[pl.DataFrame]) -> bool:
    return any(frame[name].null_count() for frame in frames)


def _sets(alone: Sequence[str], named: Sequence[str], time: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A single column is likely the first one, and seldom the time; of several, the time is likely one."""
    yield from ((name,) for name in (*alone, *time))
    for size in range(2, MOST_COLUMNS + 1):
        yield from combinations((*time, *named), size)
