"""Hashes of rows that are the same on every machine and with every version of the libraries, a column at a time.

Those of polars and pandas promise neither. They tell rows apart that differ by accident; they resist nobody who wants
two rows to look alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Words = NDArray[np.uint64]

MISSING = 0x9AE16A3B2F90404F
"""Stands for a missing value."""
CHARACTERS = 32
"""Characters of a text that count, beside its length."""
ODD = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: multiples of it spread well (Knuth, The Art of Computer Programming 3, 6.4)."""
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""Multipliers of Steele, Lea and Flood (2014), Fast Splittable Pseudorandom Number Generators, as tuned by Stafford."""


def row_hashes(columns: list[Words]) -> Words:
    """One 64-bit hash per row from the words of its columns; the order of the columns counts."""
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for place, words in enumerate(columns):
        total += weighted(words, place)
    return mixed(total)


def weighted(words: Words, place: int) -> Words:
    """The words of the column at `place`, so that words of several columns can be added up; 0 is added by no value."""
    factor = np.uint64((ODD * (2 * place + 1)) % 2**64)
    result: Words = (words ^ (words >> np.uint64(32))) * factor
    return result


def mixed(words: Words) -> Words:
    """Spread what differs anywhere in a word over all of its bits."""
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    result: Words = words ^ (words >> np.uint64(31))
    return result


def column_words(values: pl.Series) -> Words:
    """One 64-bit word per value: equal for equal values of one type; NaN is missing."""
    if values.dtype == pl.String:
        return coded_texts(values).words()
    if values.dtype.is_temporal() or values.dtype == pl.Boolean:
        values = values.to_physical().cast(pl.Int64)
    if values.dtype.is_float():
        return _floats(values.to_numpy())
    numbers = values.cast(pl.Int64)
    words: Words = numbers.fill_null(0).to_numpy().view(np.uint64)
    return np.where(numbers.is_null().to_numpy(), np.uint64(MISSING), words) if numbers.null_count() else words


def _floats(values: NDArray[np.floating[Any]]) -> Words:
    """The bits of each number, of 0 for -0; a missing value is NaN here."""
    numbers = values.astype(np.float64) + 0.0
    words: Words = numbers.view(np.uint64)
    words[np.isnan(numbers)] = MISSING
    return words


@dataclass(frozen=True)
class CodedTexts:
    """A text column: its distinct values, and of each row the place of its value among them, or beyond if missing."""

    distinct: pl.Series
    places: NDArray[np.int64]

    def words(self) -> Words:
        """One 64-bit word per row."""
        return np.append(_distinct_texts(self.distinct), np.uint64(MISSING))[self.places]

    def counts(self) -> pl.DataFrame:
        """The distinct values, and in how many rows each is: columns `value` and `count`."""
        many = np.bincount(self.places, minlength=len(self.distinct) + 1)[:-1]
        return pl.DataFrame({"value": self.distinct, "count": many})


def coded_texts(values: pl.Series) -> CodedTexts:
    """Find the distinct values of a text column, once for all that is asked of them."""
    import pyarrow as pa

    coded = values.to_arrow().cast(pa.large_string()).dictionary_encode()
    # By way of polars: Arrow's own way to numpy loads pandas.
    places = pl.Series(coded.indices).fill_null(len(coded.dictionary)).cast(pl.Int64).to_numpy()
    return CodedTexts(pl.Series(coded.dictionary, dtype=pl.String), places)


def _distinct_texts(values: pl.Series) -> Words:
    """The sum of the bytes, each multiplied by a weight of its place, and the length."""
    import pyarrow as pa

    kept = values.str.head(CHARACTERS).to_arrow().cast(pa.large_binary())
    _, offsets, content = kept.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[kept.offset : kept.offset + len(kept) + 1]
    letters = np.frombuffer(content or b"", dtype=np.uint8)[ends[0] : ends[-1]].astype(np.uint64)
    places = np.arange(ends[0], ends[-1]) - np.repeat(ends[:-1], np.diff(ends))
    weights = mixed(np.arange(1, 4 * CHARACTERS + 1, dtype=np.uint64))
    sums = np.zeros(len(letters) + 1, dtype=np.uint64)
    np.cumsum((letters + np.uint64(1)) * weights[places], out=sums[1:])
    lengths = values.str.len_bytes().to_numpy().astype(np.uint64)
    words: Words = sums[ends[1:] - ends[0]] - sums[ends[:-1] - ends[0]] + lengths
    return words
