"""Hashes of rows: equal for equal rows, on any machine, and different for rows that differ."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.validation.row_hashes import column_words, mixed, row_hashes

TEXTS = st.lists(st.none() | st.text(max_size=40), min_size=1, max_size=30)


@settings(deadline=None)
@given(TEXTS)
def test_texts_have_one_word_each(values: list[str | None]) -> None:
    """Equal texts have equal words, and different ones different words, whatever stands beside them."""
    words = column_words(pl.Series(values, dtype=pl.String)).tolist()
    alone = [int(column_words(pl.Series([value], dtype=pl.String))[0]) for value in values]
    assert words == alone
    shortened = {None if value is None else (value[:32], len(value.encode())) for value in values}
    assert len(set(words)) == len(shortened)


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(), min_size=1, max_size=30))
def test_numbers_have_one_word_each(values: list[float | None]) -> None:
    """NaN is missing and -0 is 0; every other number has a word of its own."""
    words = column_words(pl.Series(values, dtype=pl.Float64)).tolist()
    known = {None if value is None or math.isnan(value) else value + 0.0 for value in values}
    assert len(set(words)) == len(known)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (pl.Series(["EWR"]), 1242227201997009377),
        (pl.Series([1.5]), 4609434218613702656),
        (pl.Series([-3]), 18446744073709551613),
        (pl.Series([True]), 1),
    ],
)
def test_words_stay_what_they_are(values: pl.Series, word: int) -> None:
    """Profiles that were written long ago, elsewhere, are compared with new ones: words must never change."""
    assert column_words(values).tolist() == [word]


def test_the_place_of_a_value_counts() -> None:
    """Rows with the same values in other columns are different rows."""
    one, other = np.array([1, 2], dtype=np.uint64), np.array([2, 1], dtype=np.uint64)
    assert len(set(row_hashes([one, other]).tolist())) == 2


def test_words_spread_over_all_bits() -> None:
    """Neighbouring words differ in about half of their bits once mixed."""
    words = mixed(np.arange(1000, dtype=np.uint64))
    flipped = np.bitwise_count(words[1:] ^ words[:-1])
    assert 30 < flipped.mean() < 34
