"""Sketches of columns: the distance from a few kilobytes is that from the rows."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change import column_shift
from ratchet.core.explore.sketch import CUTS, MOST, Sketch, distances, sketch
from ratchet.core.explore.values import LONGEST, named

NUMBERS = st.lists(st.one_of(st.none(), st.integers(-40, 40).map(float)), min_size=1, max_size=80)
TEXTS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c", ""])), min_size=3, max_size=40)


def _exact(first: pl.Series, second: pl.Series) -> float:
    """The distance by the rows themselves, as the report of a change measures it."""
    columns = [pl.DataFrame({"x": each}).to_arrow().column("x") for each in (first, second)]
    return column_shift.tally(columns).distance([1], [0])


@given(NUMBERS, NUMBERS)
def test_distance_of_few_different_numbers_is_exact(first: list[float | None], second: list[float | None]) -> None:
    """With no more different values than cut points, sketches lose nothing."""
    one, two = (pl.Series("x", each, dtype=pl.Float64) for each in (first, second))
    assert distances([sketch(one), sketch(two)]) == [None, pytest.approx(_exact(one, two))]


@given(TEXTS, TEXTS)
def test_distance_of_texts_is_exact(first: list[str | None], second: list[str | None]) -> None:
    """Texts are kept with their counts, missing ones included."""
    one, two = (sketch(pl.Series("x", each, dtype=pl.String)) for each in (first, second))
    exact = _exact(*(pl.Series("x", each, dtype=pl.String) for each in (first, second)))
    unknown = not (one.comparable and two.comparable)
    assert distances([one, two]) == [None, None if unknown else pytest.approx(exact)]


@given(st.integers(0, 2**32 - 1), st.floats(-2, 2))
def test_distance_of_many_different_numbers_is_close(seed: int, shift: float) -> None:
    """Between two cut points of either side little can hide."""
    random = np.random.default_rng(seed)
    one, two = pl.Series("x", random.normal(size=2000)), pl.Series("x", random.normal(size=1500) + shift)
    [_, found] = distances([sketch(one), sketch(two)])
    assert found is not None
    assert abs(found - _exact(one, two)) <= 3 / CUTS


def test_each_batch_is_compared_with_all_before_it() -> None:
    """The third batch of 1, 1, 2 is compared with the first two together, and the first with nothing."""
    same, other = sketch(pl.Series("x", [1.0, 1.0])), sketch(pl.Series("x", [2.0, 2.0]))
    assert distances([same, same, other]) == [None, 0.0, 1.0]


def test_batch_without_the_column_is_passed_over() -> None:
    """A batch that lacks the column has no distance, and the next one is compared with those that have it."""
    same = sketch(pl.Series("x", [1.0, 1.0]))
    assert distances([same, None, same]) == [None, None, 0.0]


@pytest.mark.parametrize(
    "values", [[str(each) for each in range(50)], [str(each % (MOST + 1)) for each in range(2 * MOST + 2)]]
)
def test_names_and_endless_texts_are_compared_with_nothing(values: list[str]) -> None:
    """What names single rows, or has more texts than are kept, has no distance."""
    one = sketch(pl.Series("x", values))
    assert (one.comparable, one.values, distances([one, one])) == (False, {}, [None, None])


def test_sketch_reads_back_equal_and_stays_small() -> None:
    """A sketch of a hundred thousand numbers is a few kilobytes of JSON that reads back equal."""
    one = sketch(pl.Series("x", np.random.default_rng(0).normal(size=100_000)))
    text = one.model_dump_json()
    assert (Sketch.model_validate_json(text) == one, len(text) < 20_000) == (True, True)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("x", [], dtype=pl.Float64),
        pl.Series("x", [None, None], dtype=pl.String),
        pl.Series("x", [math.inf, -math.inf, math.nan, 1.0]),
        pl.Series("x", [True, None, False]),
        pl.Series("x", [datetime(2020, 1, 1, tzinfo=UTC), None]),
        pl.Series("x", [2**62, -(2**62)]),
    ],
    ids=["empty", "missing", "infinite", "boolean", "moments", "large"],
)
def test_odd_columns_have_a_sketch_that_is_as_far_from_itself_as_nothing(values: pl.Series) -> None:
    """No column breaks a sketch, and no column is far from itself."""
    one = Sketch.model_validate_json(sketch(values).model_dump_json())
    assert distances([one, one])[1] in (None, 0.0)


def test_long_texts_are_shortened_without_becoming_the_same() -> None:
    """Two texts that differ only at their ends stay two."""
    first, second = named("x" * 10_000 + "a"), named("x" * 10_000 + "b")
    assert (len(first), len(second), first != second) == (LONGEST, LONGEST, True)
