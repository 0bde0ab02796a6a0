"""The gain in each part of the rows that a policy names."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.comparison import compare
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.slices import slice_check
from ratchet.core.findings import SliceCheck, SliceGain
from ratchet.core.holm import holm
from ratchet.core.metrics import row_losses
from ratchet.core.params import Gate

MakeRows = Callable[..., JudgedRows]
PAIR = Pair("champion", "challenger")
COLUMNS = ("origin", "distance", "engines")


def policy(*columns: str, min_rows: int = 50) -> Gate:
    """A gate that asks for these columns."""
    return Gate.model_validate({"metric": "log_loss", "slices": {"by": columns, "min_rows": min_rows}})


def checked(rows: JudgedRows, asked: Gate) -> SliceCheck:
    """What is found, of which there must be something."""
    found = slice_check(rows, asked, PAIR)
    assert found is not None
    return found


def named(check: SliceCheck, column: str, value: str) -> SliceGain:
    """One slice."""
    return next(each for each in check.gains if (each.column, each.value) == (column, value))


@pytest.mark.parametrize("independent", [False, True])
def test_a_slice_is_judged_as_its_rows_alone_would_be(make_rows: MakeRows, independent: bool) -> None:
    """Gain, error, bounds, counts and p value are those of a comparison on the rows of the slice."""
    rows = make_rows(1, worse=0.4)
    rows = replace(rows, clusters=None) if independent else rows
    found = named(checked(rows, policy("origin")), "origin", "EWR")
    chosen = (rows.table["origin"] == "EWR").to_numpy()
    part = rows.only(chosen)
    losses = [row_losses("log_loss", part.target, part.scores[name]) for name in PAIR]
    expected = compare(losses[0], losses[1], part.clusters, alpha=0.05)
    assert found.gain.value == pytest.approx(expected.gain)
    assert (found.gain.low, found.gain.high) == pytest.approx((expected.low, expected.high))
    assert found.gain.standard_error == pytest.approx(expected.standard_error)
    assert (found.gain.rows, found.gain.clusters) == (expected.rows, expected.clusters)
    assert found.gain.assumed_independent == independent
    assert found.p_worse == pytest.approx(expected.p_worse)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_gains_weighted_by_rows_add_up_to_the_whole(make_rows: MakeRows, seed: int) -> None:
    """Each column's slices share out all rows, so that their gains make the gain of all rows."""
    rows = make_rows(seed, days=8, a_day=30)
    losses = [row_losses("log_loss", rows.target, rows.scores[name]) for name in PAIR]
    check = checked(rows, policy(*COLUMNS, min_rows=2))
    for column in COLUMNS:
        slices = [each.gain for each in check.gains if each.column == column]
        assert sum(each.rows for each in slices) == len(rows.target)
        total = sum(each.rows * (each.value or 0) for each in slices)
        assert total == pytest.approx(float((losses[0] - losses[1]).sum()))


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_says_nothing(make_rows: MakeRows, seed: int) -> None:
    """The same slices with the same numbers, but for rounding."""
    rows = make_rows(3, days=8, a_day=30)
    order = np.random.default_rng(seed).permutation(len(rows.target))
    assert rows.clusters is not None
    mixed = replace(
        rows,
        target=rows.target[order],
        scores={name: scores[order] for name, scores in rows.scores.items()},
        clusters=rows.clusters[order],
        table=rows.table.iloc[order].reset_index(drop=True),
    )
    one, other = (checked(each, policy(*COLUMNS, min_rows=10)) for each in (rows, mixed))
    assert (one.tested, one.too_small) == (other.tested, other.too_small)
    for each in one.gains:
        same = named(other, each.column, each.value)
        assert same.gain.value == pytest.approx(each.gain.value, abs=1e-12)
        assert same.p_worse == pytest.approx(each.p_worse, abs=1e-9)


def test_missing_values_are_a_slice_and_small_ones_are_counted() -> None:
    """A category that is called missing is told from what is missing; one cluster or few rows are not tested."""
    place = np.array(["a"] * 100 + ["missing"] * 100 + ["few"] * 5 + ["alone"] * 60, dtype=object)
    place = np.concatenate([place, np.full(100, None)])
    count = len(place)
    days = np.where(place == "alone", 0, np.arange(count) % 7)
    positive = np.linspace(0.1, 0.9, count)
    rows = JudgedRows(
        task="binary",
        target=(np.arange(count) % 2).astype(np.int64),
        scores={name: np.column_stack([1 - positive, positive]) for name in PAIR},
        clusters=days,
        table=pd.DataFrame({"place": place}),
    )
    check = checked(rows, policy("place", "place", "nowhere"))
    assert [each.value for each in check.gains] == ["a", '"missing"', "missing"]
    assert (check.tested, check.too_small) == ({"place": 3}, 2)


def test_nothing_asked_for_and_nothing_to_compare_with(make_rows: MakeRows) -> None:
    """Without columns, or without the reference's scores, there is no finding."""
    rows = make_rows(1)
    alone = replace(rows, scores={"challenger": rows.scores["challenger"]})
    assert slice_check(rows, policy(), PAIR) is None
    assert slice_check(alone, policy("origin"), PAIR) is None


def test_a_score_that_is_not_finite_leaves_its_slices_undefined(make_rows: MakeRows) -> None:
    """Regression: the slice with the broken row has neither gain nor p value, the others have both."""
    rows = make_rows(2)
    values = {name: scores[:, 1:].copy() for name, scores in rows.scores.items()}
    values["challenger"][0] = np.nan
    broken = replace(rows, task="regression", target=rows.target.astype(np.float64), scores=values)
    asked = policy("origin").model_copy(update={"metric": "squared_error"})
    found = {each.value: each for each in checked(broken, asked).gains}
    hit = str(rows.table["origin"].iloc[0])
    assert (found[hit].gain.value, found[hit].gain.low, found[hit].p_worse) == (None, None, None)
    assert all(each.p_worse is not None for value, each in found.items() if value != hit)


def test_equal_models_are_blocked_no_more_often_than_agreed(make_rows: MakeRows) -> None:
    """Over 200 draws of two models of one recipe, Holm at 0.05 blocks at most as many as luck allows."""
    blocked = 0
    for seed in range(200):
        gains = checked(make_rows(seed, days=14, a_day=50), policy(*COLUMNS)).gains
        blocked += any(holm([each.p_worse or 0.0 for each in gains], 0.05))
    assert blocked <= 19  # at 10 expected, more are seen once in 400 times


def test_a_worse_slice_is_found(make_rows: MakeRows) -> None:
    """The planted one is shown to be worse, and no other of its column is."""
    gains = checked(make_rows(5, worse=1.0), policy("origin")).gains
    shown = holm([each.p_worse or 0.0 for each in gains], 0.05)
    assert [each.value for each, worse in zip(gains, shown, strict=True) if worse] == ["EWR"]


def test_many_rows_and_slices_take_far_under_the_agreed_time() -> None:
    """100,000 rows and 23 columns of four slices and more, in under 2 of the 5 seconds that a decision may take."""
    random = np.random.default_rng(0)
    positive = random.uniform(0.01, 0.99, (100_000, 2))
    table = pd.DataFrame({f"x{each}": random.normal(size=100_000) for each in range(20)}).assign(
        **{f"place{each}": random.integers(0, 50, 100_000).astype(str) for each in range(3)}
    )
    rows = JudgedRows(
        task="binary",
        target=random.integers(0, 2, 100_000),
        scores={name: np.column_stack([1 - positive[:, i], positive[:, i]]) for i, name in enumerate(PAIR)},
        clusters=np.array([f"2013-07-{day:02}" for day in random.integers(1, 32, 100_000)], dtype=object),
        table=table,
    )
    start = time.process_time()
    check = checked(rows, policy(*table.columns))
    assert time.process_time() - start < 2
    assert sum(check.tested.values()) == 20 * 4 + 3 * 50
