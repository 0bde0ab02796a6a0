"""Pairs of rows of two tables that have the same key.

A key's columns are hashed to one number, and numbers are joined: a join on the columns themselves would have to write
each row's key out first. A pair whose keys only share the number is dropped, so the result is exact. Rows whose number
another row of their side has, too, are few in a table with a key; they are joined by the columns themselves.

Of rows that share a key, those that are the same in every column are paired first, so that no order of rows makes an
edit where there is none; what is left is paired in its order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ratchet.core.change.cells import differ, sides

INDEX = pl.UInt32
"""Of positions, as polars counts rows."""


@dataclass(frozen=True)
class Matched:
    """Pairs of positions, one of each side, in the order of `after`; every row is in one pair at most.

    `repeated` counts the rows of each side whose key another row of it has, too.
    """

    before: pl.Series
    after: pl.Series
    repeated: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.before)

    def where(self, kept: pl.Series) -> Matched:
        """The pairs for which `kept` is true."""
        return Matched(self.before.filter(kept), self.after.filter(kept))

    def head(self, most: int) -> Matched:
        """The first pairs."""
        return Matched(self.before.head(most), self.after.head(most))


def match_rows(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> Matched:
    """Pair the rows that have the same key; missing values of a key equal one another. Without a key none are paired.

    Raises polars' ColumnNotFoundError if a side lacks a column of the key.

    >>> pairs = match_rows(pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"id": [2, 3]}), ["id"])
    >>> pairs.before.to_list(), pairs.after.to_list()
    ([1], [0])
    """
    if not key:
        return Matched(pl.Series("before", [], INDEX), pl.Series("after", [], INDEX))
    old, new = _parts(before, after, key)
    left = pl.DataFrame({"hash": old.hash_rows()}).with_row_index("before")
    right = pl.DataFrame({"hash": new.hash_rows()}).with_row_index("after")
    shared = _shared(left["hash"], right["hash"])
    if shared.is_empty():
        pairs = _verified(old, new, right.join(left, on="hash", maintain_order="left"))
        return Matched(pairs["before"], pairs["after"])
    several = pl.col("hash").is_in(shared.implode())
    single = _verified(old, new, right.filter(~several).join(left.filter(~several), on="hash"))
    rows = left.filter(several)["before"], right.filter(several)["after"]
    others = _by_columns(before, after, *rows, key)
    pairs = pl.concat([each.select("before", "after") for each in (single, *others)]).sort("after")
    repeated = [int(side[at].is_duplicated().sum()) for side, at in zip((old, new), rows, strict=True)]
    return Matched(pairs["before"], pairs["after"], (repeated[0], repeated[1]))


def unmatched(matched: pl.Series, rows: int) -> pl.Series:
    """The positions of `rows` rows that no pair has, ascending."""
    alone = pl.repeat(True, rows, eager=True).scatter(matched, False)
    return alone.arg_true()


def _parts(before: pl.DataFrame, after: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """These columns of both sides, of the same types, by number."""
    both = [sides(before[column], after[column]) for column in columns]
    old = [part for column in both for part in column.before]
    new = [part for column in both for part in column.after]
    return (
        pl.DataFrame([part.alias(f"{place}") for place, part in enumerate(old)]),
        pl.DataFrame([part.alias(f"{place}") for place, part in enumerate(new)]),
    )


def _shared(*hashes: pl.Series) -> pl.Series:
    """The numbers that several rows of a side have."""
    return pl.concat([each.filter(each.is_duplicated()) for each in hashes]).unique()


def _verified(old: pl.DataFrame, new: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs whose keys are the same, and not only their numbers."""
    before = [column.gather(pairs["before"]) for column in old]
    after = [column.gather(pairs["after"]) for column in new]
    return pairs.filter(~differ(before, after))


def _by_columns(
    before: pl.DataFrame, after: pl.DataFrame, left: pl.Series, right: pl.Series, key: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Pair these rows of both sides: first those that are the same in all columns, then by key alone."""
    shared = [name for name in after.columns if name in before.columns]
    for columns in (shared, key):
        old, new = _parts(before[left], after[right], columns)
        pairs = _occurring(new, right.alias("after")).join(
            _occurring(old, left.alias("before")), on=[*old.columns, "occurrence"], nulls_equal=True
        )
        yield pairs
        left = left.filter(~left.is_in(pairs["before"].implode()))
        right = right.filter(~right.is_in(pairs["after"].implode()))


def _occurring(keys: pl.DataFrame, positions: pl.Series) -> pl.DataFrame:
    return keys.with_columns(pl.int_range(pl.len()).over(keys.columns).alias("occurrence"), positions)
