"""Columns whose distribution in new batches is not what it has been.

The distance of two sets of rows is the largest difference in their share of rows between any two answers to a simple
question about the column, so it lies in [0, 1] and reads as a share of rows:

- numbers and timestamps: "at most x?" for any x, and "missing?" (Kolmogorov and Smirnov's distance, with what is
  missing once below and once above every number);
- texts and booleans: "one of these values?" for any set of values, missing being one (total variation).

Batches differ from one another also when nothing is wrong: July is not January. So each batch of the base is measured
against the base's other batches, the same way as a new one is measured against all of them; a new batch is reported
where it lies farther out than another batch of the same kind would (`limit`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.core.change.records import ColumnShift

Counts = NDArray[np.int64]

RECENT = 12
"""The newest batches that distributions are compared with, and at most so many new ones: a year of months."""
LEAST_BATCHES = 3
"""Base batches from which on it can be said what is usual: two distances have no spread that could be trusted."""
ALPHA = 0.05
"""Chance that a change of nothing but usual batches has any column reported, over all columns and batches together."""
LEAST = 0.03
"""Distances below it are not worth a line in a report: at most three rows in a hundred answer otherwise."""
CUTS = 128
"""Cut points of each batch's numbers. A distance is exact for columns with fewer distinct values in each batch, and
otherwise at most 1/128 too small."""
SHOWN = 3
"""Commonest values named in words."""


@dataclass(frozen=True)
class Tally:
    """One column of several batches, counted.

    `cells` has a row per batch. For numbers its columns are the rows below, and the rows at or below, each cut point;
    for texts and booleans the rows with each value. `missing` and `rows` have a number per batch.
    """

    ordered: bool
    cells: Counts
    missing: Counts
    rows: Counts

    def distance(self, one: Sequence[int], others: Sequence[int]) -> float:
        """The distance of two sets of batches, given by their positions; 0 if one of them has no rows."""
        first, second = self._shares(one), self._shares(others)
        difference = first[:-1] - second[:-1]
        if not self.ordered:
            return float(np.abs(first - second).sum() / 2)
        missing = first[-1] - second[-1]
        return float(max(np.abs(difference).max(initial=0), np.abs(difference + missing).max(initial=0), abs(missing)))

    def noise(self, one: Sequence[int], others: Sequence[int], level: float) -> float:
        """What the distance of two samples of the same distribution exceeds with at most the probability `level`.

        For independent rows. Numbers: Dvoretzky, Kiefer and Wolfowitz's bound with Massart's constant, applied to each
        sample. Values: a bound on the mean by each value's variance, and McDiarmid's for the distance from the mean.
        """
        sizes = [max(int(self.rows[list(part)].sum()), 1) for part in (one, others)]
        if self.ordered:
            return float(sum(np.sqrt(np.log(4 / level) / (2 * size)) for size in sizes))
        scale = sum(1 / size for size in sizes)
        shares = self._shares([*one, *others])
        mean = np.sqrt(shares * (1 - shares) * scale).sum() / 2
        return float(mean + np.sqrt(np.log(1 / level) * scale / 2))

    def _shares(self, batches: Sequence[int]) -> NDArray[np.float64]:
        """The share of rows in each cell, the missing ones last."""
        rows = max(int(self.rows[list(batches)].sum()), 1)
        return np.append(self.cells[list(batches)].sum(axis=0), self.missing[list(batches)].sum()) / rows


def shifted(
    table: str, base: Mapping[str, pa.Table], new: Mapping[str, pa.Table], columns: Sequence[str]
) -> tuple[ColumnShift, ...]:
    """The columns of `new` batches that lie outside what the `base`'s batches do; farthest first.

    A new batch that replaces one of the base is compared with the others. A column that not all batches have with the
    same type is left out. Of several new batches the farthest one counts, and is named where there are several.
    """
    if len(base) < LEAST_BATCHES or not new:
        return ()
    found = []
    usable = [column for column in columns if _comparable(column, [*base.values(), *new.values()])]
    level = ALPHA / max(len(usable) * len(new), 1)
    for column in usable:
        values = [part.column(column) for part in (*base.values(), *new.values())]
        farthest = _farthest(tally(values), list(base), list(new), level)
        if farthest is not None:
            distance, name = farthest
            others = [part.column(column) for batch, part in base.items() if batch != name]
            after = in_words(new[name].column(column)) + (f" in {name}" if len(new) > 1 else "")
            before = in_words(pa.chunked_array([chunk for part in others for chunk in part.chunks], others[0].type))
            found.append(ColumnShift(table=table, column=column, distance=distance, before=before, after=after))
    return farthest_first(found)


def farthest_first(shifts: Iterable[ColumnShift]) -> tuple[ColumnShift, ...]:
    """Sorted by their distances, equal ones by name."""
    return tuple(sorted(shifts, key=lambda each: (-each.distance, each.table, each.column)))


def _farthest(counted: Tally, base: list[str], new: list[str], level: float) -> tuple[float, str] | None:
    """The largest distance of a new batch beyond its limit, and the batch; None if none is beyond."""
    beyond = []
    for position, name in enumerate(new, start=len(base)):
        others = [place for place, batch in enumerate(base) if batch != name]
        usual = [counted.distance([place], [each for each in others if each != place]) for place in others]
        moved = counted.distance([position], others)
        if moved > max(limit(usual, level), counted.noise([position], others, level)):
            beyond.append((round(moved, 4), name))
    return max(beyond, key=lambda each: each[0], default=None)


def limit(usual: Sequence[float], level: float) -> float:
    """How far out one more batch may lie: beyond it, a batch like the others lies with probability `level`.

    The one-sided prediction bound of a normal sample for its next value (Student's t), but no less than the largest
    seen and than `LEAST`; 1 where fewer than two distances are known.
    """
    if len(usual) < LEAST_BATCHES - 1:
        return 1.0
    from scipy.special import stdtrit

    spread = float(np.std(usual, ddof=1)) * np.sqrt(1 + 1 / len(usual))
    return float(max(np.mean(usual) + stdtrit(len(usual) - 1, 1 - level) * spread, *usual, LEAST))


def tally(columns: Sequence[pa.ChunkedArray]) -> Tally:
    """Count one column of several batches, all of the same type."""
    ordered = is_ordered(columns[0].type)
    present = [_numbers(column) if ordered else column.drop_null() for column in columns]
    rows = np.array([len(column) for column in columns], dtype=np.int64)
    missing = rows - np.array([len(values) for values in present], dtype=np.int64)
    return Tally(ordered, _below(present) if ordered else value_cells([*map(counted, present)]), missing, rows)


def in_words(values: pa.ChunkedArray) -> str:
    """A column's distribution in a few words.

    >>> in_words(pa.chunked_array([[1.0, 2.0, 6.0, None]]))
    'mean 3, half within 1.5 to 4, 25% missing'
    >>> in_words(pa.chunked_array([["a", "a", "b"]]))
    'a 67%, b 33%'
    """
    present = values.drop_null()
    lost = len(values) - len(present)
    missing = [f"{_percent(lost, len(values))} missing"] if lost else []
    if not len(present):
        return missing[0] if missing else "no rows"
    return ", ".join([*_main_words(present, len(values)), *missing])


def _main_words(present: pa.ChunkedArray, rows: int) -> Iterator[str]:
    if pa.types.is_timestamp(present.type):
        ends = pc.min_max(present)
        yield f"{ends['min'].as_py():%Y-%m-%d} to {ends['max'].as_py():%Y-%m-%d}"
    elif is_ordered(present.type):
        numbers = _numbers(present)
        low, high = np.quantile(numbers, [0.25, 0.75]) if len(numbers) else (0.0, 0.0)
        yield f"mean {numbers.mean() if len(numbers) else 0:.4g}, half within {low:.4g} to {high:.4g}"
    else:
        counts = pc.value_counts(present.cast(pa.string()))
        counted = pa.table({"value": counts.field("values"), "count": counts.field("counts")})
        commonest = pc.select_k_unstable(counted, SHOWN, sort_keys=[("count", "descending"), ("value", "ascending")])
        yield from (f"{each['value']} {_percent(each['count'], rows)}" for each in counted.take(commonest).to_pylist())
        if len(counted) > SHOWN:
            yield f"{len(counted) - SHOWN:,} more"


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f}%" if share >= 1 else "under 1%"


def _comparable(column: str, tables: Sequence[pa.Table]) -> bool:
    if not all(column in table.column_names for table in tables):
        return False
    kind = tables[0].column(column).type
    if any(table.column(column).type != kind for table in tables):
        return False
    return is_ordered(kind) or not all(names_rows(table.column(column)) for table in tables)


def names_rows(values: pa.ChunkedArray) -> bool:
    """Whether no two rows share a value, as in an identifier: new ones are no news."""
    return len(values) > 1 and len(pc.unique(values)) == len(values)


def is_ordered(kind: pa.DataType) -> bool:
    """Whether a column's values have an order that counts: numbers and timestamps."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """The values that are there, ascending; timestamps as microseconds, NaN as missing."""
    present = column.drop_null()
    if pa.types.is_timestamp(present.type):
        present = present.cast(pa.int64())
    values: NDArray[np.float64] = np.sort(present.to_numpy().astype(np.float64))
    return values[: len(values) - int(np.isnan(values).sum())]


def _below(batches: Sequence[NDArray[np.float64]]) -> Counts:
    cuts = np.unique(np.concatenate([_cuts(values) for values in batches]))
    return np.array([np.concatenate([np.searchsorted(values, cuts, side) for side in ("left", "right")])
                     for values in batches], dtype=np.int64)  # fmt: skip


def _cuts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    distinct = np.unique(values)
    if len(distinct) <= CUTS:
        return distinct
    return values[np.linspace(0, len(values) - 1, CUTS + 1).astype(np.int64)]


def value_cells(counts: Sequence[Mapping[str, int]]) -> Counts:
    """A row for each batch, with how often it has each value of any of them, the values sorted."""
    place = {value: position for position, value in enumerate(sorted(set().union(*counts)))}
    cells = np.zeros((len(counts), len(place)), dtype=np.int64)
    for row, each in enumerate(counts):
        cells[row, [place[value] for value in each]] = list(each.values())
    return cells


def counted(present: pa.ChunkedArray) -> dict[str, int]:
    """How often each value is there; a boolean is written as in params.yaml."""
    counts = pc.value_counts(present.cast(pa.string()))
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
