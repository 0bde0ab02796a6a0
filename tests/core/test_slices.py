"""Where a change hurts."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.records import Slice
from ratchet.core.change.slices import Losses, worst_slices
from ratchet.core.clusters import interval
from ratchet.core.slicing import number_text

RANDOM = np.random.default_rng(2)
ROWS = 2_000
DAYS = RANDOM.integers(0, 25, ROWS)
CARRIERS = RANDOM.choice(["AA", "UA", "B6"], ROWS)
FEATURES = pd.DataFrame({"carrier": CARRIERS, "distance": RANDOM.uniform(100, 2_000, ROWS).round()})
BASE = RANDOM.exponential(0.5, ROWS)
HURT = np.where(CARRIERS == "UA", 0.3, -0.05) + RANDOM.normal(0, 0.2, ROWS)


def slices(features: pd.DataFrame, losses: Losses, *, least_rows: int = 50, most: int = 100) -> tuple[Slice, ...]:
    """All slices at the usual level."""
    return worst_slices(features, losses, alpha=0.1, least_rows=least_rows, most=most)


def test_the_slice_that_was_planted_is_the_worst() -> None:
    """Of the slices the one with the raised loss comes first, is called worse, and has its own means."""
    found = slices(FEATURES, Losses(base=BASE, change=BASE + HURT, clusters=DAYS))
    chosen = CARRIERS == "UA"
    assert (found[0].name, found[0].rows, found[0].real) == ("carrier = UA", int(chosen.sum()), "worse")
    assert found[0].base == pytest.approx(BASE[chosen].mean())
    assert found[0].change == pytest.approx((BASE + HURT)[chosen].mean())
    assert found[0].gain == pytest.approx(-HURT[chosen].mean())
    assert all(each.real != "worse" or other.real == "worse" for other, each in pairwise(found))


@pytest.mark.parametrize("clusters", [DAYS, None])
def test_an_interval_is_the_cluster_t_interval_at_the_shared_level(clusters: np.ndarray | None) -> None:
    """Each of the seven slices has the interval of its own rows at a seventh of the risk."""
    found = slices(FEATURES, Losses(base=BASE, change=BASE + HURT, clusters=clusters))
    assert len(found) == 7
    for name in ("AA", "UA", "B6"):
        chosen = name == CARRIERS
        expected = interval(-HURT[chosen], None if clusters is None else clusters[chosen], alpha=0.1 / 7)
        one = next(each for each in found if each.name == f"carrier = {name}")
        assert (one.low, one.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_luck_is_not_called_worse_however_many_slices_are_looked_at() -> None:
    """Over many data sets in which no slice differs, the share with any real slice stays near the agreed risk."""
    random, false, trials = np.random.default_rng(8), 0, 100
    for _ in range(trials):
        features = pd.DataFrame(random.normal(size=(600, 15)))
        days, base = np.repeat(np.arange(30), 20), random.exponential(1, 600)
        change = base + random.normal(0, 0.3, 30)[days] * 0.3 + random.normal(0, 0.3, 600)
        found = slices(features, Losses(base=base, change=change, clusters=days))
        false += any(each.real in ("better", "worse") for each in found)
    assert false / trials <= 0.3


def test_numbers_are_cut_at_quartiles_with_readable_names() -> None:
    """Four slices share the rows, and a row on an edge is below it."""
    features = pd.DataFrame({"distance": np.arange(1_001.0, 1_401.0)})
    change = np.linspace(0.1, 0.9, 400)
    found = slices(features, Losses(base=np.zeros(400), change=change, clusters=None))
    assert [(each.name, each.rows) for each in found] == [
        ("distance above 1,300", 100),
        ("distance above 1,200 and up to 1,300", 100),
        ("distance above 1,100 and up to 1,200", 100),
        ("distance up to 1,100", 100),
    ]


def test_few_values_missing_ones_and_truths_are_slices_of_their_own() -> None:
    """A number with few values, a truth value, and what is missing are named as such."""
    features = pd.DataFrame(
        {
            "engines": [1.0, 2.0, np.nan, 2.0] * 50,
            "rain": [True, False, False, False] * 50,
            "maker": pd.Series(["", None, " x", "y"] * 50, dtype=object),
        }
    )
    change = np.array([0.1, 0.2, 0.3, 0.4] * 50)
    found = slices(features, Losses(base=np.zeros(200), change=change, clusters=None))
    assert {each.name: each.rows for each in found} == {
        "engines = 1": 50,
        "engines = 2": 100,
        "engines missing": 50,
        "rain = False": 150,
        "maker missing": 50,
        "maker = y": 50,
    }


def test_a_category_that_cannot_be_seen_is_quoted() -> None:
    """The empty text and one with blanks around it are shown in quotes."""
    features = pd.DataFrame({"maker": ["", " x"] * 100})
    found = slices(features, Losses(base=np.zeros(200), change=np.array([0.1, 0.2] * 100), clusters=None))
    assert [each.name for each in found] == ['maker = " x"', 'maker = ""']


def test_small_whole_and_untouched_slices_are_left_out() -> None:
    """A slice of few rows, of all rows, and one in which the models agree says nothing."""
    features = pd.DataFrame({"kind": ["a"] * 150 + ["b"] * 30 + ["c"] * 120, "one": "same"})
    change = np.array([0.1] * 150 + [0.9] * 30 + [0.0] * 120)
    found = slices(features, Losses(base=np.zeros(300), change=change, clusters=None))
    assert [each.name for each in found] == ["kind = a"]
    assert slices(FEATURES, Losses(base=BASE, change=BASE, clusters=DAYS)) == ()


def test_the_same_rows_are_one_slice() -> None:
    """Two columns that say the same are looked at once."""
    twice = FEATURES.assign(again=FEATURES["carrier"])
    found = slices(twice, Losses(base=BASE, change=BASE + HURT, clusters=DAYS))
    assert found == slices(FEATURES, Losses(base=BASE, change=BASE + HURT, clusters=DAYS))


def test_one_cluster_gives_no_interval() -> None:
    """A slice that lies in a single cluster is shown, and is unknown."""
    features = pd.DataFrame({"kind": ["a", "b"] * 100})
    found = slices(features, Losses(base=np.zeros(200), change=np.ones(200), clusters=np.zeros(200)))
    assert [(each.low, each.high, each.real) for each in found] == [(None, None, "unknown")] * 2


def test_no_more_than_asked_for() -> None:
    """The worst ones are kept."""
    losses = Losses(base=BASE, change=BASE + HURT, clusters=DAYS)
    assert slices(FEATURES, losses, most=2) == slices(FEATURES, losses)[:2]


@given(order=st.permutations(range(60)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    """Names and rows stay, numbers stay but for rounding."""
    features, base = FEATURES[:60], BASE[:60]
    change, days = base + HURT[:60], DAYS[:60]
    one = slices(features, Losses(base=base, change=change, clusters=days), least_rows=5)
    other = slices(
        features.iloc[order].reset_index(drop=True),
        Losses(base=base[order], change=change[order], clusters=days[order]),
        least_rows=5,
    )
    assert [(each.name, each.rows) for each in one] == [(each.name, each.rows) for each in other]
    assert [each.gain for each in one] == pytest.approx([each.gain for each in other])


def test_hundreds_of_slices_of_many_rows_take_well_under_a_second() -> None:
    """Thirty thousand rows and about two hundred slices."""
    random = np.random.default_rng(1)
    features = pd.DataFrame({f"x{column}": random.normal(size=30_000) for column in range(30)})
    features = features.assign(place=random.integers(0, 100, 30_000).astype(str))
    base = random.exponential(1, 30_000)
    losses = Losses(base=base, change=base + random.normal(size=30_000), clusters=random.integers(0, 31, 30_000))
    start = time.perf_counter()
    assert len(slices(features, losses, most=1_000)) == 220
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1089.0, "1,089"),
        (-12.0, "-12"),
        (0.12345, "0.1235"),
        (1234.56, "1,235"),
        (2.5, "2.5"),
        (123456.7, "123,457"),
        (1e20, "1e+20"),
        (1.5e-9, "1.5e-09"),
    ],
)
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    """Whole numbers whole, others short, thousands apart."""
    assert number_text(value) == text


def test_edges_that_lie_close_together_are_told_apart() -> None:
    """Names have as many digits as they need."""
    features = pd.DataFrame({"x": np.linspace(1.00001, 1.00002, 400)})
    found = slices(features, Losses(base=np.zeros(400), change=np.linspace(0, 1, 400), clusters=None))
    assert len({each.name for each in found}) == 4
    assert all(each.rows == 100 for each in found)
