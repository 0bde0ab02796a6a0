"""The e-process: its integral by quadrature, ville in the limit, and peeking every day under the null."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from ratchet.core.eprocess import bounds, e_values, p_values, precision
from ratchet.errors import UsageError

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def stream(seed: int, looks: int, gain: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(loc=gain, size=looks)


def ratio(effect: float, means: Floats) -> float:
    """How much likelier the means' t statistic is under an effect, in standard deviations, than under none."""
    looks = len(means)
    t = math.sqrt(looks) * means.mean() / means.std(ddof=1)
    return float(stats.nct.pdf(t, looks - 1, effect * math.sqrt(looks)) / stats.t.pdf(t, looks - 1))


@pytest.mark.parametrize(("looks", "gain"), [(2, 0.5), (5, 0.4), (12, 0.0), (30, -0.4), (30, 0.5)])
def test_it_is_the_mixture_of_likelihood_ratios(looks: int, gain: float) -> None:
    """Averaged numerically over a half normal effect, the likelihood ratios of the t statistic give the same number."""
    means = stream(looks, looks, gain)
    spread = 1 / math.sqrt(precision(30, 0.05))
    found, _ = integrate.quad(lambda effect: ratio(effect, means) * stats.halfnorm.pdf(effect, scale=spread), 0, 6)
    assert found == pytest.approx(e_values(means, planned=30)[-1], rel=1e-5)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, looks=st.integers(1, 60), gain=st.floats(-3, 3))
def test_later_looks_change_no_earlier_one(seed: int, looks: int, gain: float) -> None:
    """The evidence at a look is made of the clusters up to it and no others."""
    means = stream(seed, 60, gain)
    whole, part = e_values(means, planned=30), e_values(means[:looks], planned=30)
    assert whole[:looks] == pytest.approx(part, rel=1e-9)
    for one, other in zip(bounds(means, planned=30), bounds(means[:looks], planned=30), strict=True):
        assert one[:looks] == pytest.approx(other, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, exponent=st.integers(-200, 200), gain=st.floats(-2, 2))
def test_the_unit_does_not_matter(seed: int, exponent: int, gain: float) -> None:
    """Gains in another unit are the same evidence, and have bounds in that unit."""
    means, scale = stream(seed, 40, gain), 10.0**exponent
    assert e_values(means, planned=30) == pytest.approx(e_values(means * scale, planned=30), rel=1e-6)
    for one, other in zip(bounds(means, planned=30), bounds(means * scale, planned=30), strict=True):
        assert one == pytest.approx(other / scale, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, more=st.floats(0, 2))
def test_larger_gains_are_more_evidence(seed: int, more: float) -> None:
    """Adding to every cluster's gain never takes evidence away: a margin makes "not worse" easier to show."""
    means = stream(seed, 50)
    lower, higher = e_values(means, planned=30), e_values(means + more, planned=30)
    assert (higher >= lower * (1 - 1e-9)).all()


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, gain=st.floats(-1, 3), alpha=st.floats(0.001, 0.4))
def test_the_bound_lies_above_zero_when_the_evidence_suffices(seed: int, gain: float, alpha: float) -> None:
    """At every look the lower bound is above 0 exactly if the e-process has more than 1/alpha at it."""
    means = stream(seed, 40, gain)
    evidence = e_values(means, planned=30, alpha=alpha)
    clear = np.abs(np.log(evidence * alpha)) > 1e-6
    lower, upper = bounds(means, planned=30, alpha=alpha)
    assert ((lower > 0) == (evidence > 1 / alpha))[clear].all()
    assert (lower <= upper).all()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_turned_around_the_bounds_trade_places(seed: int) -> None:
    """The challenger's gain over the champion is the champion's loss to it."""
    means = stream(seed, 40, 0.3)
    (lower, upper), (other_lower, other_upper) = bounds(means, planned=30), bounds(-means, planned=30)
    assert lower == pytest.approx(-other_upper)
    assert upper == pytest.approx(-other_lower)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, gain=st.floats(-1, 1))
def test_p_never_rises(seed: int, gain: float) -> None:
    """The p value is one over the largest evidence so far, at most 1: what was once shown stays shown."""
    means = stream(seed, 60, gain)
    found, evidence = p_values(means, planned=30), e_values(means, planned=30)
    assert (np.diff(found) <= 0).all()
    assert found[-1] == pytest.approx(min(1.0, 1 / evidence.max()))


@pytest.mark.parametrize("planned", [30, 500])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_the_precision_is_the_best_for_the_plan(planned: int, alpha: float) -> None:
    """At the planned look the boundary is within 0.01% of the lowest that ville's search finds."""
    from ville._boundaries import best_rho, normal_mixture  # type: ignore[import-untyped]  # the package has no types

    found, best = (
        float(normal_mixture(planned, alpha, rho, one_sided=True))
        for rho in (precision(planned, alpha), best_rho(planned, alpha, one_sided=True))
    )
    assert found == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize(("looks", "tolerance"), [(100, 0.05), (500, 0.01), (4000, 0.002)])
def test_it_becomes_villes_asymptotic_sequence(looks: int, tolerance: float) -> None:
    """One-sided at .05 the interval is ville's two-sided one at .10, from 100 clusters on within 5%, later closer.

    It is never narrower: ville takes the estimated variance for the true one.
    """
    from ville import AsymptoticCS  # type: ignore[import-untyped]  # the package has no types

    means = stream(5, looks, 0.02)
    theirs = AsymptoticCS(alpha=0.1, t_opt=500, min_samples=2).fit(means)
    width = bounds(means, planned=500, alpha=0.05)[1][-1] - bounds(means, planned=500, alpha=0.05)[0][-1]
    assert 1 - 1e-3 <= width / (theirs.upper_[-1] - theirs.lower_[-1]) <= 1 + tolerance


@pytest.mark.parametrize("shape", ["normal", "means of skewed rows", "long tails", "worse"])
def test_peeking_every_day_promotes_no_noise(shape: str) -> None:
    """Looked at on each of 30 days, an equal model is promoted in at most about 5 of 100 streams; by t in over 15."""
    rng = np.random.default_rng(1)
    means = {
        "normal": lambda: rng.normal(size=(2000, 30)),
        "means of skewed rows": lambda: 1 - rng.gamma(50, 1 / 50, size=(2000, 30)),
        "long tails": lambda: rng.standard_t(3, size=(2000, 30)),
        "worse": lambda: rng.normal(loc=-0.1, size=(2000, 30)),
    }[shape]()
    ever = np.mean([(e_values(each, planned=30) >= 20).any() for each in means])
    assert ever <= 0.05
    if shape == "normal":
        days = np.arange(2, 31)
        averages = means.cumsum(axis=1)[:, 1:] / days
        errors = np.array([means[:, :day].std(axis=1, ddof=1) / math.sqrt(day) for day in days]).T
        assert np.mean((averages / errors > stats.t.ppf(0.95, days - 1)).any(axis=1)) > 0.15


def test_it_finds_what_is_there() -> None:
    """A gain of .7 standard deviations of a day is found within the planned 30 days in over 7 of 10 streams."""
    assert np.mean([(e_values(stream(seed, 30, 0.7), planned=30) >= 20).any() for seed in range(400)]) > 0.7


def test_the_bounds_hold_at_all_looks_together() -> None:
    """The true mean is ever below the lower bound in at most about 5 of 100 streams of 60 looks."""
    missed = [(bounds(stream(seed, 60, 2.0), planned=30)[0] > 2.0).any() for seed in range(300)]
    assert np.mean(missed) <= 0.05


def test_without_gain_or_spread_there_is_no_bound() -> None:
    """Identical models are ever less evidence of better; equal gains in all clusters are some, from the seventh on."""
    assert (np.diff(e_values(np.zeros(40), planned=30)) < 0).all()
    steady = e_values(np.full(40, 0.1), planned=30)
    assert (steady[:3] < 20).all()
    assert steady[-1] > 1e6
    lower, upper = bounds(np.full(2, 0.1), planned=30)
    assert np.isinf([lower, upper]).all()


def test_a_hopeless_stream_has_little_but_some_evidence() -> None:
    """Far in the tail the evidence is a small number that falls slowly, not a nought from underflow."""
    found = e_values(stream(0, 5000, -3.0), planned=30)
    assert (np.diff(found[10:]) < 0).mean() > 0.9
    assert 1e-5 < found[-1] < 1e-3


def test_overwhelming_evidence_is_a_number() -> None:
    """However much there is, it can be stored."""
    assert e_values(np.linspace(1, 1.0001, 5000), planned=30)[-1] == pytest.approx(1e300)


def test_no_clusters_are_no_evidence() -> None:
    """Before the first cluster there is nothing to say."""
    nothing = np.array([])
    assert (0, 0, 0) == tuple(len(each) for each in (e_values(nothing, planned=3), *bounds(nothing, planned=3)))


@pytest.mark.parametrize("means", [np.array([1.0, np.nan]), np.array([np.inf]), np.ones((2, 2))])
def test_what_is_no_stream_is_refused(means: Floats) -> None:
    """A cluster without a mean is refused, not passed over."""
    with pytest.raises(UsageError, match="not one finite number per cluster"):
        e_values(means, planned=30)
    with pytest.raises(UsageError, match="not one finite number per cluster"):
        bounds(means, planned=30)


@pytest.mark.parametrize(("planned", "alpha"), [(0, 0.05), (30, 0.0), (30, 0.7)])
def test_bad_plans_are_refused(planned: int, alpha: float) -> None:
    """A plan of no looks, and a level that is no one-sided risk, are refused."""
    with pytest.raises(UsageError):
        e_values(np.ones(3), planned=planned, alpha=alpha)
