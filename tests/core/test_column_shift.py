"""Distances of distributions, what is usual, and which columns are reported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, t

from ratchet.core.change.column_shift import CUTS, LEAST, in_words, limit, shifted, tally

NUMBERS = st.lists(st.one_of(st.none(), st.integers(0, 9).map(float)), min_size=1, max_size=30)
TEXTS = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=30)


def column(values: Sequence[object], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def distance(one: Sequence[object], other: Sequence[object], kind: pa.DataType) -> float:
    return tally([column(one, kind), column(other, kind)]).distance([0], [1])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 0.0),
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 9.0], 0.25),
        ([1.0, 1.0], [1.0, None], 0.5),
        ([None, None], [5.0, 5.0], 1.0),
        ([None, 1.0, 2.0, 3.0], [3.0, 1.0, 2.0, 3.0], 0.25),
    ],
)
def test_numbers_are_apart_by_the_largest_share_below_a_cut(
    one: list[float | None], other: list[float | None], expected: float
) -> None:
    """Rows at most x, above x, or missing: the largest difference of their shares."""
    assert distance(one, other, pa.float64()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(["a", "b"], ["b", "a"], 0.0), (["a"], ["b"], 1.0), (["a", "a", "b", None], ["a", "c", "c", None], 0.5)],
)
def test_texts_are_apart_by_the_share_that_would_have_to_change(
    one: list[str | None], other: list[str | None], expected: float
) -> None:
    """Total variation, missing being a value."""
    assert distance(one, other, pa.string()) == pytest.approx(expected)


@given(st.sampled_from([(NUMBERS, pa.float64()), (TEXTS, pa.string())]).flatmap(
    lambda each: st.tuples(each[0], each[0], st.just(each[1]))))  # fmt: skip
def test_a_distance_is_symmetric_and_a_share(drawn: tuple[list[object], list[object], pa.DataType]) -> None:
    """Between 0 and 1, the same both ways, 0 from itself."""
    one, other, kind = drawn
    found = distance(one, other, kind)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(distance(other, one, kind))
    assert distance(one, one, kind) == 0


def test_many_numbers_are_as_far_apart_as_scipy_says() -> None:
    """Where not every number is a cut point, at most one part in `CUTS` is lost."""
    random = np.random.default_rng(0)
    one, other = random.normal(size=20_000), random.normal(0.3, 1.5, size=10_000)
    exact = float(ks_2samp(one, other).statistic)
    assert exact - 1 / CUTS <= distance(list(one), list(other), pa.float64()) <= exact + 1e-12


def test_the_limit_is_the_prediction_bound_for_one_more_batch() -> None:
    """Student's bound for the next value, never below the largest seen nor below what is worth telling."""
    usual = [0.05, 0.07, 0.06, 0.09]
    bound = np.mean(usual) + t.ppf(0.95, 3) * np.std(usual, ddof=1) * np.sqrt(1.25)
    assert limit(usual, 0.05) == pytest.approx(bound)
    assert limit([0.0, 0.0, 0.0], 0.05) == LEAST
    assert limit([0.1, 0.1, 0.1, 0.9], 0.5) == 0.9
    assert limit([0.1], 0.05) == 1.0


def months(count: int, rows: int = 2_000) -> dict[str, pa.Table]:
    """Batches that wander a little in x, carry their number in month, and have three kinds."""
    random = np.random.default_rng(1)
    return {
        f"{number:02d}": pa.table(
            {
                "x": random.normal(random.normal(0, 0.1), 1, rows),
                "month": np.full(rows, number),
                "kind": random.choice(["a", "b", "c"], rows),
                "id": [f"{number}-{row}" for row in range(rows)],
            }
        )
        for number in range(1, count + 1)
    }


COLUMNS = ["x", "month", "kind", "id"]


def test_a_usual_batch_has_no_shift_although_it_is_another_month() -> None:
    """A column that is new in every batch, a wandering mean and an identifier are what batches usually do."""
    batches = months(7)
    new = {"07": batches.pop("07")}
    assert shifted("rows", batches, new, COLUMNS) == ()


def test_a_broken_column_is_reported_with_both_distributions() -> None:
    """Kinds written otherwise and half of x gone are found, farthest first; the untouched columns are not."""
    batches = months(7)
    new = batches.pop("07")
    half = pa.array([None if row % 2 else value for row, value in enumerate(new["x"].to_pylist())])
    broken = new.set_column(0, "x", half).set_column(2, "kind", pa.array(["A"] * len(new)))
    found = shifted("rows", batches, {"07": broken}, COLUMNS)
    assert [(each.table, each.column) for each in found] == [("rows", "kind"), ("rows", "x")]
    assert found[0].distance == 1
    assert found[1].distance == pytest.approx(0.5, abs=0.05)
    assert found[0].after == "A 100%"
    assert "missing" not in found[1].before
    assert found[1].after.endswith("50% missing")


def test_one_broken_batch_is_not_hidden_among_many_new_ones() -> None:
    """Each new batch is measured by itself, and the farthest is named."""
    batches = months(12)
    new = {name: batches.pop(name) for name in ("07", "08", "09", "10", "11", "12")}
    new["11"] = new["11"].set_column(0, "x", pa.array(np.full(len(new["11"]), 5.0)))
    (found,) = shifted("rows", batches, new, COLUMNS)
    assert (found.column, found.after) == ("x", "mean 5, half within 5 to 5 in 11")


def test_a_batch_that_is_replaced_is_compared_with_the_others() -> None:
    """The base's own version of it takes no part, neither as what is usual nor as what it was before."""
    batches = months(6)
    other = {**batches, "02": months(2, rows=50)["01"]}
    changed = batches["02"].set_column(2, "kind", pa.array(["z"] * len(batches["02"])))
    assert shifted("rows", batches, {"02": changed}, COLUMNS) == shifted("rows", other, {"02": changed}, COLUMNS)


def test_few_rows_are_not_held_against_a_batch() -> None:
    """Ten rows of the usual kinds are far from two thousand by chance alone, which is not reported."""
    batches = months(6)
    few = {"07": months(1)["01"].slice(0, 10)}
    assert shifted("rows", batches, few, ["x", "kind"]) == ()


def test_two_batches_do_not_say_what_is_usual() -> None:
    """Nothing is reported from a base of two batches, and a column that not all batches have is left out."""
    batches = months(4)
    broken = batches["04"].set_column(2, "kind", pa.array(["z"] * 2_000))
    assert shifted("rows", {name: batches[name] for name in ("01", "02")}, {"04": broken}, COLUMNS) == ()
    known = {name: batches[name].drop_columns(["kind"]) for name in ("01", "02", "03")}
    assert shifted("rows", known, {"04": broken}, ["kind"]) == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (column([1, 2, 3, None]), "mean 2, half within 1.5 to 2.5, 25% missing"),
        (column(["b", "a", "a", "c", "d"]), "a 40%, b 20%, c 20%, 1 more"),
        (column([True, False, True]), "true 67%, false 33%"),
        (column([None, None], pa.float64()), "100% missing"),
        (column([], pa.string()), "no rows"),
        (column([*["a"] * 999, None]), "a 100%, under 1% missing"),
        (column([0, 86_400_000_000], pa.timestamp("us")), "1970-01-01 to 1970-01-02"),
    ],
)
def test_a_distribution_in_words(values: pa.ChunkedArray, words: str) -> None:
    """Mean and middle half of numbers, the commonest values of texts, the span of moments, and what is missing."""
    assert in_words(values) == words
