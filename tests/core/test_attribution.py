"""Shares of a gain: they add up, they are fair, and they know their noise."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ratchet.core.change.attribution import (
    BASE,
    FACTORS,
    Combination,
    Factor,
    Floats,
    Losses,
    Noise,
    combinations_of,
    contributions,
    named,
    part,
    share,
)
from ratchet.core.clusters import interval
from ratchet.errors import UsageError

ROWS = 12
CLUSTERS = np.repeat(np.arange(4), 3)
NOISE = Noise(clusters=CLUSTERS, alpha=0.1)

numbers = st.floats(-100, 100, allow_nan=False, width=32)
some_factors = st.lists(st.sampled_from(FACTORS), min_size=1, max_size=3, unique=True)
row_losses = arrays(np.float64, ROWS, elements=numbers)


@st.composite
def losses(draw: st.DrawFn) -> dict[Combination, Floats]:
    """Any losses of every combination of some factors."""
    return {each: draw(row_losses) for each in combinations_of(draw(some_factors))}


@given(losses())
def test_contributions_sum_to_the_gain_of_every_row(combined: dict[Combination, Floats]) -> None:
    """Nothing of the gain is lost and nothing is made up, row by row."""
    total = sum(contributions(combined).values())
    np.testing.assert_allclose(total, Losses(combined=combined).gains, atol=1e-10)


@settings(deadline=None)
@given(losses(), row_losses)
def test_parts_sum_to_the_total(combined: dict[Combination, Floats], recorded: Floats) -> None:
    """The parts' gains, that of the libraries among them, sum to the mean gain over the recorded base."""
    found = Losses(combined=combined, recorded=recorded)
    parts = share(found, NOISE)
    assert math.isclose(sum(each.gain for each in parts), float(found.gains.mean()), abs_tol=1e-9)


@settings(deadline=None)
@given(losses())
def test_only_what_changed_has_a_part(combined: dict[Combination, Floats]) -> None:
    """A factor that did not change is not named, and libraries are named only if a model was run again for them."""
    changed = frozenset().union(*combined)
    assert [each.factor for each in share(Losses(combined=combined), NOISE)] == [
        factor for factor in FACTORS if factor in changed
    ]


@given(losses())
def test_a_part_is_the_mean_effect_over_all_orders(combined: dict[Combination, Floats]) -> None:
    """The weights are those of Shapley: the average of the factor's effect over every order of switching."""
    changed = sorted(frozenset().union(*combined))
    orders = list(permutations(changed))
    for factor, found in contributions(combined).items():
        effects = []
        for order in orders:
            before: Combination = frozenset(order[: order.index(factor)])
            effects.append(combined[before] - combined[before | {factor}])
        np.testing.assert_allclose(found, np.mean(effects, axis=0), atol=1e-10)


@settings(deadline=None)
@given(losses(), st.randoms())
def test_the_order_of_the_mapping_says_nothing(combined: dict[Combination, Floats], random: object) -> None:
    """However the combinations are listed, every bit of the parts is the same."""
    items = list(combined.items())
    random.shuffle(items)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert share(Losses(combined=dict(items)), NOISE) == share(Losses(combined=combined), NOISE)


@given(row_losses, row_losses, row_losses)
def test_factors_that_do_the_same_get_the_same(none: Floats, one: Floats, both: Floats) -> None:
    """Two factors with the same effect wherever they are switched share equally."""
    combined: dict[Combination, Floats] = {
        BASE: none, frozenset({"data"}): one, frozenset({"code"}): one, frozenset({"data", "code"}): both,
    }  # fmt: skip
    found = contributions(combined)
    np.testing.assert_array_equal(found["data"], found["code"])


@settings(deadline=None)
@given(row_losses, row_losses)
def test_a_factor_without_effect_gets_nothing(old: Floats, new: Floats) -> None:
    """Where switching a factor changes no loss, its part is zero without any doubt, and the other has it all."""
    combined: dict[Combination, Floats] = {
        BASE: old, frozenset({"data"}): new, frozenset({"code"}): old, frozenset({"data", "code"}): new,
    }  # fmt: skip
    data, code = share(Losses(combined=combined), Noise(clusters=CLUSTERS, alpha=0.1, seed_sd=3.0, seeds=2))
    assert (code.gain, code.low, code.high, code.real) == (0, 0, 0, "within noise")
    assert math.isclose(data.gain, float((old - new).mean()), abs_tol=1e-9)


def test_known_shares() -> None:
    """Two factors that gain 2 and 1 alone and 5 together: each has half of what only both gain."""
    rows = np.ones(ROWS)
    combined: dict[Combination, Floats] = {
        BASE: 10 * rows, frozenset({"data"}): 8 * rows, frozenset({"params"}): 9 * rows,
        frozenset({"data", "params"}): 5 * rows,
    }  # fmt: skip
    parts = share(Losses(combined=combined, recorded=11 * rows), NOISE)
    assert [(each.factor, each.gain, each.real) for each in parts] == [
        ("dependencies", 1.0, "better"), ("data", 3.0, "better"), ("params", 2.0, "better"),
    ]  # fmt: skip


def test_without_luck_the_interval_is_the_clustered_one() -> None:
    """A part is a mean over rows, and is as sure as the clusters make such a mean."""
    gains = np.random.default_rng(1).normal(0.5, 1, ROWS)
    found = part("data", gains, NOISE)
    expected = interval(gains, CLUSTERS, alpha=0.1)
    assert (found.gain, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_luck_widens_by_two_variances() -> None:
    """With sampling noise of nearly nothing, the reach is that of a difference of two fits with the seeds' freedom."""
    gains = 1 + np.tile([1e-9, 0, -1e-9], 4) + np.repeat([1e-9, 0, 0, -1e-9], 3)
    found = part("data", gains, Noise(clusters=CLUSTERS, alpha=0.1, seed_sd=0.5, seeds=2))
    student_t_with_two_degrees = 1.885618083164127
    assert found.high == pytest.approx(1 + student_t_with_two_degrees * math.sqrt(2) * 0.5, rel=1e-6)
    assert found.real == "within noise"


@settings(deadline=None)
@given(row_losses, st.integers(2, 6), st.integers(1, 10), st.floats(1e-6, 100))
def test_luck_never_narrows(gains: Floats, clusters: int, seeds: int, seed_sd: float) -> None:
    """However many seeds say how little, the interval contains the one of sampling alone."""
    names = np.arange(ROWS) % clusters
    alone = part("code", gains, Noise(clusters=names, alpha=0.1))
    lucky = part("code", gains, Noise(clusters=names, alpha=0.1, seed_sd=seed_sd, seeds=seeds))
    assert alone.low is not None
    assert alone.high is not None
    assert lucky.low is not None
    assert lucky.high is not None
    assert lucky.low <= alone.low <= alone.high <= lucky.high


def test_one_cluster_says_nothing_about_noise() -> None:
    """Rows that all fail together give a gain and no bounds, and nobody knows whether it is real."""
    found = part("data", np.arange(3.0), Noise(clusters=["day"] * 3, alpha=0.1, seed_sd=0.1, seeds=2))
    assert (found.gain, found.low, found.high, found.real) == (1.0, None, None, "unknown")


def test_a_worse_part_is_called_worse() -> None:
    """A loss that grows everywhere by the same is a real loss."""
    assert part("params", np.full(ROWS, -2.0), NOISE).real == "worse"


@pytest.mark.parametrize(("factors", "count"), [((), 1), (("data",), 2), (("data", "params"), 4), (FACTORS, 8)])
def test_all_combinations_are_named_once(factors: tuple[Factor, ...], count: int) -> None:
    """There are 2^k, from the base to the change, and no two read alike."""
    found = combinations_of(factors)
    assert (len(found), len({named(each, factors) for each in found})) == (count, count)
    assert (found[0], found[-1]) == (BASE, frozenset(factors))


def test_a_missing_combination_is_named() -> None:
    """Without one rerun nothing is shared out, and the message says which."""
    combined: dict[Combination, Floats] = {BASE: np.ones(3), frozenset({"data", "code"}): np.ones(3)}
    with pytest.raises(UsageError, match="new data, old code; old data, new code"):
        contributions(combined)


def test_losses_that_are_not_numbers_are_refused() -> None:
    """A model without a score on a row has no part."""
    with pytest.raises(UsageError, match="the part of data is not defined"):
        part("data", np.array([1.0, np.nan]), Noise(clusters=None, alpha=0.1))
