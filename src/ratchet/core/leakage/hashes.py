"""Rows as 64-bit numbers: one hash per cell, and a row's hash is their sum.

The sum (a multiset hash: Clarke, Devadas, van Dijk, Gassend and Suh 2003) lets a column be left out by subtraction.
Cells are mixed with the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_MISSING = np.uint64(0x6D697373696E6721)
_MASK = (1 << 64) - 1


def is_number(column: pa.ChunkedArray) -> bool:
    """Whether a column is numeric to the model: integers, floats and booleans; every other one is a category."""
    kind = column.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A numeric column as float64, NaN where a value is missing."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def categories(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Codes into the list of names (in order of appearance), -1 where a value is missing."""
    coded = column.combine_chunks()
    if not pa.types.is_dictionary(coded.type):
        coded = coded.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [str(name) for name in coded.dictionary.to_pylist()]


def cell_hashes(table: pa.Table) -> Hashes:
    """One row of hashes per column of the table: shape (columns, rows). Equal cells of a column are hashed alike."""
    return np.stack([_hashed(table.column(name), str(name)) for name in table.column_names])


def on_grids(column: pa.ChunkedArray, name: str, width: float, shifts: Sequence[float]) -> Iterator[Hashes]:
    """For each grid the hashes of a column's numbers on it: its lines are `width` apart, from `shift` widths on."""
    scaled = numbers(column) / width
    for shift in shifts:
        yield _mixed(_bits(np.floor(scaled + shift)), name)


def key_hashes(table: pa.Table) -> Hashes:
    """One hash per row, of all its cells; whole numbers and times of any size are told apart."""
    cells = [_key_cell(table.column(name), str(name)) for name in table.column_names]
    return np.asarray(np.sum(cells, axis=0, dtype=np.uint64))


def _hashed(column: pa.ChunkedArray, name: str) -> Hashes:
    if is_number(column):
        return _mixed(_bits(numbers(column)), name)
    codes, names = categories(column)
    known = pd.util.hash_array(np.array([*names, ""], dtype=object), categorize=False)
    return _mixed(np.where(codes < 0, _MISSING, known[codes]), name)


def _key_cell(column: pa.ChunkedArray, name: str) -> Hashes:
    """A float64 would round whole numbers beyond 2**53, which times in nanoseconds are; times have one unit here."""
    if not (pa.types.is_integer(column.type) or pa.types.is_temporal(column.type)):
        return _hashed(column, name)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("ns", getattr(column.type, "tz", None)))
    whole = column.cast(pa.int64())
    missing = whole.is_null().to_numpy()
    return _mixed(np.where(missing, _MISSING, whole.fill_null(0).to_numpy().view(np.uint64)), name)


def _bits(values: NDArray[np.float64]) -> Hashes:
    """The bit patterns; -0.0 is 0.0, and every NaN is the same."""
    return np.where(np.isnan(values), _MISSING, (values + 0.0).view(np.uint64))


def _mixed(bits: Hashes, name: str) -> Hashes:
    """Scatter the bits, each column in its own way: the same value in two columns is two things."""
    salt = int(pd.util.hash_array(np.array([name], dtype=object), categorize=False)[0])
    mixed = bits + np.uint64((salt + _GOLDEN) & _MASK)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
