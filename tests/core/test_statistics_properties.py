"""What holds for every interval and comparison: symmetry, rows without order or unit, clusters that are what counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core.comparison import Comparison, compare, interval, jackknife, rows_needed
from ratchet.core.evaluation import evaluate
from ratchet.core.findings import Estimate

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
CLUSTERS = st.integers(2, 20)
ALPHAS = st.floats(0.001, 0.4)


def losses(seed: int, rows: int, clusters: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Two models' losses, and the rows' clusters, each of which has a fate of its own."""
    rng = np.random.default_rng(seed)
    days = rng.permutation(np.arange(rows) % clusters)
    reference = rng.exponential(size=rows)
    return reference, reference + rng.normal(scale=0.2, size=clusters)[days] + rng.normal(scale=0.5, size=rows), days


def numbers(found: Estimate) -> list[float]:
    """The four numbers of an estimate, all of them defined."""
    values = [found.value, found.low, found.high, found.standard_error]
    assert None not in values
    return [float(value) for value in values if value is not None]


def median(values: Floats) -> float:
    """A statistic that is no mean."""
    return float(np.median(values))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS, alpha=ALPHAS)
def test_swapping_the_models_swaps_better_and_worse(seed: int, clusters: int, alpha: float) -> None:
    """The p of better is the other's p of worse, at any level; how rows vary is the same from either side."""
    reference, challenger, days = losses(seed, 90, clusters)
    one, other = compare(reference, challenger, days, alpha=alpha), compare(challenger, reference, days, alpha=alpha)
    assert (one.p_better, one.p_worse) == pytest.approx((other.p_worse, other.p_better))
    assert (one.sd, one.standard_error, one.design_effect) == pytest.approx(
        (other.sd, other.standard_error, other.design_effect)
    )


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_swapping_the_models_turns_every_metric_around(seed: int) -> None:
    """Of each metric, with a loss per row or without, the gain changes its sign and its bounds trade places."""
    rng = np.random.default_rng(seed)
    positive = rng.uniform(0.05, 0.95, size=(2, 240))
    target = (rng.random(240) < positive[0]).astype(np.int64)
    scores = {name: np.column_stack([1 - p, p]) for name, p in zip("ab", positive, strict=True)}
    days = np.repeat(np.arange(12), 20)
    forth, back = (
        evaluate("binary", target, scores, clusters=days, pair=pair, alpha=0.1) for pair in (("a", "b"), ("b", "a"))
    )
    for one, other in zip(forth, back, strict=True):
        assert one.gain is not None
        assert other.gain is not None
        value, low, high, error = numbers(other.gain)
        assert numbers(one.gain) == pytest.approx([-value, -high, -low, error], abs=1e-12), one.name


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS)
def test_an_interval_knows_no_order_of_rows(seed: int, clusters: int) -> None:
    """Shuffled rows have the same mean and the same jackknifed median, with the same intervals."""
    values, _, days = losses(seed, 90, clusters)
    order = np.random.default_rng(seed).permutation(90)
    for one, other in (
        (interval(values, days, alpha=0.1), interval(values[order], days[order], alpha=0.1)),
        (jackknife(median, [values], days, alpha=0.1), jackknife(median, [values[order]], days[order], alpha=0.1)),
    ):
        assert numbers(one) == pytest.approx(numbers(other))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS, exponent=st.integers(-100, 100), shift=st.floats(-5, 5))
def test_an_interval_moves_with_the_unit(seed: int, clusters: int, exponent: int, shift: float) -> None:
    """Values times a constant, plus another, have the interval times the one plus the other."""
    values, _, days = losses(seed, 90, clusters)
    scale = 10.0**exponent
    moved = (values + shift) * scale
    for one, other in (
        (interval(values, days, alpha=0.1), interval(moved, days, alpha=0.1)),
        (jackknife(median, [values], days, alpha=0.1), jackknife(median, [moved], days, alpha=0.1)),
    ):
        value, low, high, error = numbers(one)
        expected = [*((each + shift) * scale for each in (value, low, high)), error * scale]
        assert numbers(other) == pytest.approx(expected, rel=1e-6, abs=1e-6 * scale)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS)
def test_names_of_clusters_are_only_names(seed: int, clusters: int) -> None:
    """Days by number, by name or in another alphabet are the same clusters, in all but what neighbours are."""
    reference, challenger, days = losses(seed, 90, clusters)
    names = np.random.default_rng(seed).permutation(1000)[:clusters]
    expected = compare(reference, challenger, days, alpha=0.1).model_dump(exclude={"lag1"})
    found = compare(reference, challenger, [f"day {names[day]}" for day in days], alpha=0.1)
    assert found.model_dump(exclude={"lag1"}) == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS, copies=st.integers(2, 5))
def test_copied_rows_are_no_evidence(seed: int, clusters: int, copies: int) -> None:
    """Every row several times over, in its own cluster, is as sure as before; taken as independent it is surer."""
    reference, challenger, days = losses(seed, 90, clusters)
    first, second = (np.repeat(each, copies) for each in (reference, challenger))
    one = compare(reference, challenger, days, alpha=0.1)
    copied = compare(first, second, np.repeat(days, copies), alpha=0.1)
    assert (one.p_better, one.low, one.high) == pytest.approx((copied.p_better, copied.low, copied.high))
    alone, fooled = compare(reference, challenger, alpha=0.1), compare(first, second, alpha=0.1)
    assert alone.standard_error is not None
    assert fooled.standard_error is not None
    assert fooled.standard_error < alone.standard_error


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, clusters=st.integers(2, 8), copies=st.integers(2, 4))
def test_more_clusters_of_the_same_kind_shrink_every_interval(seed: int, clusters: int, copies: int) -> None:
    """The same clusters several times over, as clusters of their own, leave the mean and shrink its interval."""
    values, other, days = losses(seed, 80, clusters)
    more = np.concatenate([days + 100 * copy for copy in range(copies)])
    few, many = interval(values, days, alpha=0.1), interval(np.tile(values, copies), more, alpha=0.1)
    compared = (
        compare(values, other, days, alpha=0.1),
        compare(np.tile(values, copies), np.tile(other, copies), more, alpha=0.1),
    )
    assert few.value == pytest.approx(many.value)
    assert width(many) < width(few)
    assert width(compared[1]) < width(compared[0])
    if compared[0].gain > 0:
        assert compared[1].p_better < compared[0].p_better


def width(found: Estimate | Comparison) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, clusters=CLUSTERS, alphas=st.tuples(ALPHAS, ALPHAS))
def test_smaller_risk_is_a_wider_interval(seed: int, clusters: int, alphas: tuple[float, float]) -> None:
    """At a smaller level both bounds lie no nearer, around the same estimate; p does not depend on the level."""
    reference, challenger, days = losses(seed, 90, clusters)
    sure, unsure = (compare(reference, challenger, days, alpha=alpha) for alpha in sorted(alphas))
    assert sure.low is not None
    assert sure.high is not None
    assert unsure.low is not None
    assert unsure.high is not None
    assert sure.low <= unsure.low <= sure.gain <= unsure.high <= sure.high
    assert (sure.p_better, sure.sign_flip) == (unsure.p_better, unsure.sign_flip)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, better=st.floats(0, 1))
def test_a_better_challenger_is_never_judged_worse(seed: int, better: float) -> None:
    """A challenger that loses less on every row by the same amount has no larger p, by t and by exact flips."""
    reference, challenger, days = losses(seed, 90, 9)
    one, other = (compare(reference + 1, loss, days, alpha=0.1) for loss in (challenger + 1, challenger + 1 - better))
    assert other.p_better <= one.p_better + 1e-12
    assert one.sign_flip is not None
    assert other.sign_flip is not None
    assert other.sign_flip <= one.sign_flip


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, scale=st.floats(1e-6, 1e6), effect=st.floats(0.001, 0.5), power=st.floats(0.6, 0.9))
def test_rows_needed_follow_effect_power_and_unit(seed: int, scale: float, effect: float, power: float) -> None:
    """Half the effect takes four times the rows, more power takes more, and another unit as many."""
    reference, challenger, days = losses(seed, 90, 9)
    found = compare(reference, challenger, days, alpha=0.1)
    scaled = compare(reference * scale, challenger * scale, days, alpha=0.1)

    def rows(comparison: Comparison, size: float, chance: float) -> int:
        advice = rows_needed(comparison, alpha=0.1, power=chance, min_effect=size)
        assert advice is not None
        return advice.rows

    base = rows(found, effect, power)
    assert abs(rows(scaled, effect * scale, power) - base) <= 1 + 1e-6 * base
    assert 4 * base - 4 <= rows(found, effect / 2, power) <= 4 * base
    assert rows(found, effect, power + 0.05) >= base
