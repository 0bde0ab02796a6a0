"""The difference of two models with all the noise that is in it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ratchet.core.change.model import (
    CURVE_POINTS,
    Refits,
    curve_points,
    metric_changes,
    metric_history,
    real,
    with_seed_noise,
)
from ratchet.core.change.records import BatchMetric
from ratchet.core.evaluation import evaluate
from ratchet.core.findings import Estimate
from ratchet.errors import UsageError

NOT_MEASURED = Refits(sd={}, count=0)
RANDOM = np.random.default_rng(11)
ROWS = 3_000
TARGET = (RANDOM.random(ROWS) < 0.3).astype(np.int64)
DAYS = np.repeat(np.arange(30), 100)
SIGNAL = 0.1 + 0.3 * TARGET + 0.5 * RANDOM.random(ROWS)
GOOD = np.column_stack([1 - SIGNAL, SIGNAL])
POOR = 0.5 * GOOD + 0.25


def estimate(value: float | None, error: float | None, clusters: int = 31) -> Estimate:
    """What sampling says; its own bounds are not looked at."""
    return Estimate(
        value=value,
        low=None,
        high=None,
        standard_error=error,
        rows=1000,
        clusters=clusters,
        assumed_independent=False,
    )


def test_sampling_and_seed_noise_add_up_by_welch() -> None:
    """The bounds are those of the formula, written out for one case."""
    sampling, luck = 0.003**2, 2 * 0.002**2
    freedom = (sampling + luck) ** 2 / (sampling**2 / 30 + luck**2 / 2)
    reach = stats.t.ppf(0.9, freedom) * math.sqrt(sampling + luck)
    found = with_seed_noise(estimate(0.01, 0.003), seed_sd=0.002, seeds=2, degrees=30, alpha=0.1)
    assert found == pytest.approx((0.01 - reach, 0.01 + reach), rel=1e-12)


def test_without_seed_noise_the_interval_is_that_of_sampling() -> None:
    """A deviation of 0, measured or not, leaves the cluster-t interval as it was."""
    reach = stats.t.ppf(0.9, 30) * 0.003
    found = with_seed_noise(estimate(0.01, 0.003), seed_sd=0.0, seeds=0, degrees=30, alpha=0.1)
    assert found == pytest.approx((0.01 - reach, 0.01 + reach), rel=1e-12)


def test_luck_alone_has_the_degrees_of_freedom_of_its_refits() -> None:
    """Where sampling adds nothing, few refits make a wide interval."""
    reach = stats.t.ppf(0.9, 2) * math.sqrt(2) * 0.01
    found = with_seed_noise(estimate(0.0, 0.0), seed_sd=0.01, seeds=2, degrees=30, alpha=0.1)
    assert found == pytest.approx((-reach, reach), rel=1e-12)


@given(
    value=st.floats(-1, 1),
    error=st.floats(1e-6, 1),
    sd=st.floats(0, 1),
    seeds=st.integers(1, 10),
    degrees=st.integers(1, 100),
)
def test_seed_noise_never_makes_a_difference_more_certain(
    value: float, error: float, sd: float, seeds: int, degrees: int
) -> None:
    """The interval lies around the gain and its standard error with luck is no smaller than without."""
    gain = estimate(value, error)
    low, high = with_seed_noise(gain, seed_sd=sd, seeds=seeds, degrees=degrees, alpha=0.1)
    assert low is not None
    assert high is not None
    assert low < value < high
    assert high - low >= 2 * stats.norm.ppf(0.9) * math.hypot(error, sd) * (1 - 1e-9)


def test_the_combined_interval_covers_what_it_says() -> None:
    """Of 80 % intervals of equal models about 80 % hold the gain of 0; with sampling noise alone, far fewer."""
    random, trials, clusters, seeds = np.random.default_rng(5), 2_000, 20, 2
    days = random.normal(0, 1.0, (trials, clusters))
    fits = random.normal(0, 0.3, (trials, seeds + 2))
    gains = days.mean(axis=1) + fits[:, 0] - fits[:, 1]
    errors, sds = days.std(axis=1, ddof=1) / math.sqrt(clusters), fits[:, 1:].std(axis=1, ddof=1)

    def covered(sd: float, trial: int) -> bool:
        gain = estimate(float(gains[trial]), float(errors[trial]), clusters)
        low, high = with_seed_noise(gain, seed_sd=sd, seeds=seeds, degrees=clusters - 1, alpha=0.1)
        return low is not None and high is not None and low <= 0 <= high

    together = np.mean([covered(float(sds[trial]), trial) for trial in range(trials)])
    alone = np.mean([covered(0.0, trial) for trial in range(trials)])
    assert 0.76 <= together <= 0.86
    assert alone <= 0.65


@pytest.mark.parametrize(("sd", "seeds"), [(0.1, 0), (-0.1, 2), (math.nan, 2), (math.inf, 2)])
def test_a_deviation_that_nobody_measured_is_refused(sd: float, seeds: int) -> None:
    """No interval is made from a number that is no standard deviation of refits."""
    with pytest.raises(UsageError, match="no measurement"):
        with_seed_noise(estimate(0.01, 0.003), seed_sd=sd, seeds=seeds, degrees=30, alpha=0.1)


@pytest.mark.parametrize(("value", "error"), [(None, None), (0.1, None)])
def test_what_sampling_leaves_undefined_stays_so(value: float | None, error: float | None) -> None:
    """One cluster has no standard error, and then there is no interval."""
    assert with_seed_noise(estimate(value, error), seed_sd=0.1, seeds=2, degrees=0, alpha=0.1) == (None, None)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.2, "better"),
        (-0.2, -0.1, "worse"),
        (-0.1, 0.1, "within noise"),
        (0.0, 0.0, "within noise"),
        (None, None, "unknown"),
    ],
)
def test_only_an_interval_beside_zero_is_real(low: float | None, high: float | None, expected: str) -> None:
    """Zero on the edge is still within noise."""
    assert real(low, high) == expected


def test_a_better_model_is_better_until_seeds_explain_it() -> None:
    """The same gain is real without seed noise, and within noise where refits differ as much."""
    rows = evaluate("binary", TARGET, {"base": POOR, "change": GOOD}, clusters=DAYS, pair=("base", "change"), alpha=0.1)
    quiet = metric_changes(rows, NOT_MEASURED, alpha=0.1, same_model=False)[0]
    lucky = metric_changes(rows, Refits(sd={"log_loss": 0.2}, count=2), alpha=0.1, same_model=False)[0]
    assert (quiet.name, quiet.real, quiet.seed_sd) == ("log_loss", "better", None)
    assert (lucky.real, lucky.seed_sd) == ("within noise", 0.2)
    assert quiet.gain is not None
    assert (quiet.low, quiet.high) == pytest.approx((quiet.gain.low, quiet.gain.high))


def test_without_seed_noise_every_metric_keeps_the_interval_of_its_evaluation() -> None:
    """Also those by jackknife over more clusters than are left out one by one."""
    rows = evaluate("binary", TARGET, {"base": POOR, "change": GOOD}, clusters=None, pair=("base", "change"), alpha=0.1)
    for change in metric_changes(rows, NOT_MEASURED, alpha=0.1, same_model=False):
        assert change.gain is not None
        assert (change.low, change.high) == pytest.approx((change.gain.low, change.gain.high), rel=1e-9)


def test_a_model_against_itself_gains_exactly_nothing() -> None:
    """Every gain and bound is 0, and no metric is real, whatever its refits vary."""
    rows = evaluate("binary", TARGET, {"base": GOOD, "change": GOOD}, clusters=DAYS, pair=("base", "change"), alpha=0.1)
    refits = Refits(sd={row.name: 0.1 for row in rows}, count=2)
    for change in metric_changes(rows, refits, alpha=0.1, same_model=True):
        assert change.gain is not None
        assert (change.gain.value, change.low, change.high, change.real) == (0.0, 0.0, 0.0, "within noise")


def test_history_has_every_fold_of_both_sides_in_order() -> None:
    """A fold that one side does not have, and a metric that is no number, are None."""
    held_out = BatchMetric(batch="2013-05", base=0.4, change=0.3, held_out=True)
    base = {"2013-02": {"log_loss": 0.5}, "2013-03": {"log_loss": math.nan}}
    change = {"2013-04": {"log_loss": 0.45}, "2013-03": {"log_loss": 0.55}}
    found = metric_history("log_loss", base, change, held_out)
    assert [(each.batch, each.base, each.change, each.held_out) for each in found] == [
        ("2013-02", 0.5, None, False),
        ("2013-03", None, 0.55, False),
        ("2013-04", None, 0.45, False),
        ("2013-05", 0.4, 0.3, True),
    ]


def test_curves_are_short_and_keep_their_ends() -> None:
    """Both models have the three curves, with few points between the same ends."""
    found = curve_points("binary", TARGET, {"base": POOR, "change": GOOD})
    assert [(curve.model, curve.name) for curve in found] == [
        (model, name) for model in ("base", "change") for name in ("roc", "precision_recall", "calibration")
    ]
    assert all(len(curve.x) == len(curve.y) <= CURVE_POINTS for curve in found)
    assert all((curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1) for curve in found[::3])


def test_other_tasks_have_no_curves() -> None:
    """A regression has none."""
    values = SIGNAL[:, None]
    assert curve_points("regression", SIGNAL, {"base": values, "change": values}) == ()
