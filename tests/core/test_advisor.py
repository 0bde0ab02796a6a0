"""The advisor: what it plans is what the gate's own test then finds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.advisor import Plan, Spread, detectable_effect, plan_labels, power_of
from ratchet.core.comparison import Comparison, compare, normal_rows, rows_needed
from ratchet.errors import UsageError

FLIGHTS = Spread(sd=0.2, design_effect=11.0, rows_per_cluster=900)
"""About what was measured on days of flights."""

SPREADS = st.builds(
    Spread, sd=st.floats(0.01, 2), design_effect=st.floats(0.2, 60), rows_per_cluster=st.floats(1, 2000)
)
LEVELS = st.floats(1e-6, 0.4)
POWERS = st.floats(0.5, 0.95)


def draw(rng: np.random.Generator, days: int, effect: float) -> Comparison:
    """A comparison over `days` days of 20 rows, with a fate of each day's own."""
    day = np.repeat(np.arange(days), 20)
    gain = effect + rng.normal(scale=0.2, size=days)[day] + rng.normal(scale=0.5, size=days * 20)
    return compare(2 + gain, np.full(days * 20, 2.0), day, alpha=0.1)


@pytest.mark.parametrize(("alpha", "effect"), [(0.1, 0.2), (0.1, 0.1), (0.00125, 0.25)])
def test_planned_clusters_have_the_planned_power(alpha: float, effect: float) -> None:
    """At the gate's level and at a ledger's, with few clusters and with many, 80 of 100 are found."""
    rng = np.random.default_rng(7)
    spread = Spread(sd=math.hypot(0.2, 0.5), design_effect=1 + 19 * 0.04 / 0.29, rows_per_cluster=20)
    plan = plan_labels(spread, alpha=alpha, power=0.8, min_effect=effect)
    found = np.mean([draw(rng, plan.clusters, effect).p_better < alpha for _ in range(1000)])
    assert plan.power - 0.04 <= found <= plan.power + 0.04
    assert 0.8 <= plan.power <= 0.87


def test_the_normal_formula_plans_too_few_for_a_ledger() -> None:
    """At a ledger's level and with few clusters its rows have half of the power it plans; that is why t is used."""
    rows = normal_rows(0.2, 11, alpha=1.25e-4, power=0.8, min_effect=0.03)
    clusters = math.ceil(rows / FLIGHTS.rows_per_cluster)
    assert power_of(FLIGHTS, clusters=clusters, alpha=1.25e-4, effect=0.03) < 0.5
    plan = plan_labels(FLIGHTS, alpha=1.25e-4, power=0.8, min_effect=0.03)
    assert plan.clusters > clusters
    assert plan.power >= 0.8


@pytest.mark.parametrize("clusters", [3, 7, 28, 365, 20_000])
@pytest.mark.parametrize("alpha", [0.5, 0.1, 0.00125, 1e-5])
def test_power_is_that_of_scipys_noncentral_t(clusters: int, alpha: float) -> None:
    """Where scipy's noncentral t is defined, power is its upper tail."""
    from scipy.special import nctdtr, stdtrit

    critical = stdtrit(clusters - 1, 1 - alpha)
    for shift in (0.5 * critical, critical + 0.8, 2 * critical + 1):
        expected = 1 - nctdtr(clusters - 1, shift, critical)
        found = power_of(FLIGHTS, clusters=clusters, alpha=alpha, effect=shift * FLIGHTS.error(clusters))
        assert found == pytest.approx(expected, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(spread=SPREADS, alpha=LEVELS, power=POWERS, effect=st.floats(0.002, 0.5))
def test_a_plan_is_the_fewest_clusters(spread: Spread, alpha: float, power: float, effect: float) -> None:
    """One cluster fewer has less than the planned power, unless the normal formula asks for as many."""
    plan = plan_labels(spread, alpha=alpha, power=power, min_effect=effect)
    fewer = power_of(spread, clusters=plan.clusters - 1, alpha=alpha, effect=effect)
    rows = normal_rows(spread.sd, spread.design_effect, alpha=alpha, power=power, min_effect=effect)
    assert fewer < power or plan.clusters <= max(2, math.ceil(rows / spread.rows_per_cluster))
    assert power <= plan.power
    assert plan.rows == math.ceil(plan.clusters * spread.rows_per_cluster)


@settings(max_examples=60, deadline=None)
@given(spread=SPREADS, alpha=LEVELS, power=POWERS, clusters=st.integers(2, 5000))
def test_the_detectable_effect_has_that_power(spread: Spread, alpha: float, power: float, clusters: int) -> None:
    """What is said to be found with 80% is found with 80%."""
    effect = detectable_effect(spread, clusters=clusters, alpha=alpha, power=power)
    assert power_of(spread, clusters=clusters, alpha=alpha, effect=effect) == pytest.approx(power, abs=0.005)


@settings(max_examples=60, deadline=None)
@given(spread=SPREADS, alpha=LEVELS, power=POWERS, clusters=st.integers(2, 300))
def test_more_is_never_worse(spread: Spread, alpha: float, power: float, clusters: int) -> None:
    """More clusters, a larger level and less power each let a smaller effect be found; a larger spread does not."""
    base = detectable_effect(spread, clusters=clusters, alpha=alpha, power=power)
    assert detectable_effect(spread, clusters=2 * clusters, alpha=alpha, power=power) < base
    assert detectable_effect(spread, clusters=clusters, alpha=1.2 * alpha, power=power) <= base
    assert detectable_effect(spread, clusters=clusters, alpha=alpha, power=0.9 * power) <= base
    wider = replace(spread, sd=2 * spread.sd)
    assert detectable_effect(wider, clusters=clusters, alpha=alpha, power=power) == pytest.approx(2 * base)


@settings(max_examples=40, deadline=None)
@given(spread=SPREADS, scale=st.floats(1e-6, 1e6), effect=st.floats(0.005, 0.5))
def test_the_unit_does_not_matter(spread: Spread, scale: float, effect: float) -> None:
    """Losses in another unit need as many clusters."""
    other = replace(spread, sd=spread.sd * scale)
    one, another = (
        plan_labels(each, alpha=0.1, power=0.8, min_effect=size)
        for each, size in ((spread, effect), (other, effect * scale))
    )
    assert abs(one.clusters - another.clusters) <= 1  # a power of .8 to the last digit may fall on either side


def test_weeks_are_clusters_over_traffic() -> None:
    """Days come seven a week; who does not say how many come is told none."""
    plan = plan_labels(FLIGHTS, alpha=0.1, power=0.8, min_effect=0.005, clusters_per_week=7)
    assert (89, 80_100, 89 / 7) == (plan.clusters, plan.rows, plan.weeks)
    assert plan_labels(FLIGHTS, alpha=0.1, power=0.8, min_effect=0.005).weeks is None


def test_with_many_clusters_it_is_the_advice_of_the_comparison() -> None:
    """For a small effect the plan and rows_needed ask for the same within a cluster or two."""
    found = draw(np.random.default_rng(2), 40, 0.1)
    spread = Spread.of(found)
    assert spread is not None
    advice = rows_needed(found, alpha=0.1, power=0.8, min_effect=0.01)
    assert advice is not None
    assert 0 <= plan_labels(spread, alpha=0.1, power=0.8, min_effect=0.01).clusters - advice.clusters <= 2


def test_a_comparison_without_spread_plans_nothing() -> None:
    """Identical models do not say how rows vary."""
    assert Spread.of(compare(np.ones(9), np.ones(9), alpha=0.1)) is None


def test_a_lucky_design_effect_is_not_counted_on() -> None:
    """A design effect that few clusters put below 1 plans and finds as one of 1 does."""
    lucky, plain = (replace(FLIGHTS, design_effect=effect) for effect in (0.3, 1.0))
    plans = [plan_labels(each, alpha=0.1, power=0.8, min_effect=0.002) for each in (lucky, plain)]
    effects = [detectable_effect(each, clusters=9, alpha=0.1, power=0.8) for each in (lucky, plain)]
    assert (plans[0], effects[0]) == (plans[1], effects[1])


def test_independent_rows_are_clusters_of_one() -> None:
    """The note's rule of thumb: .005 takes about 10,000 independent labels at .05 with sd .2."""
    rows = Spread(sd=0.2, design_effect=1.0, rows_per_cluster=1)
    plan = plan_labels(rows, alpha=0.05, power=0.8, min_effect=0.005)
    assert plan.rows == plan.clusters
    assert plan.rows == pytest.approx(((1.6448536 + 0.8416212) * 0.2 / 0.005) ** 2, rel=1e-3)


@pytest.mark.parametrize(("clusters", "alpha"), [(1, 0.1), (0, 0.1), (30, 0.0), (10, 1e-300)])
def test_what_can_show_nothing_detects_nothing(clusters: int, alpha: float) -> None:
    """One cluster, or an exhausted ledger's level of 0, finds no effect however large."""
    assert detectable_effect(FLIGHTS, clusters=clusters, alpha=alpha, power=0.8) == math.inf
    assert power_of(FLIGHTS, clusters=clusters, alpha=alpha, effect=1e9) == 0.0


@pytest.mark.parametrize("clusters", [100_000, 100_001, 10**12])
def test_the_normal_distribution_takes_over_without_a_step(clusters: int) -> None:
    """Beyond a hundred thousand clusters the same effect is found as just before."""
    effect = detectable_effect(FLIGHTS, clusters=clusters, alpha=0.001, power=0.8)
    assert effect * math.sqrt(clusters) == pytest.approx(3.9318540 * 0.2 * math.sqrt(11 / 900), rel=1e-4)
    assert power_of(FLIGHTS, clusters=clusters, alpha=0.001, effect=effect) == pytest.approx(0.8, abs=1e-4)


def test_a_plan_reads_back_equal() -> None:
    """A plan written as JSON reads back equal."""
    plan = plan_labels(FLIGHTS, alpha=0.1, power=0.8, min_effect=0.005)
    assert plan == Plan.model_validate_json(plan.model_dump_json())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"alpha": 0.0}, "one-sided risk"),
        ({"power": 1.0}, "power is a chance"),
        ({"min_effect": 0.0}, "min_effect is a number above 0"),
        ({"min_effect": math.nan}, "min_effect is a number above 0"),
        ({"min_effect": 1e-12}, "out of reach"),
        ({"clusters_per_week": -1.0}, "clusters_per_week is a number above 0"),
    ],
)
def test_plans_that_cannot_be_are_refused(change: dict[str, float], says: str) -> None:
    """A level, power, effect or traffic that is none is refused by name."""
    with pytest.raises(UsageError, match=says):
        plan_labels(FLIGHTS, **({"alpha": 0.1, "power": 0.8, "min_effect": 0.01} | change))


@pytest.mark.parametrize("change", [{"sd": math.nan}, {"design_effect": math.inf}, {"rows_per_cluster": 0.0}])
def test_a_spread_that_says_nothing_is_refused(change: dict[str, float]) -> None:
    """NaN, infinity and empty clusters plan nothing."""
    with pytest.raises(UsageError):
        plan_labels(replace(FLIGHTS, **change), alpha=0.1, power=0.8, min_effect=0.01)
