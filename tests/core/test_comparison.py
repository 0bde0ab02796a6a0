"""The paired comparison: known answers, oracles, properties, and the reason why whole clusters are tested."""

from __future__ import annotations

import itertools
import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ratchet.core.comparison import Comparison, compare, interval, jackknife, rows_needed
from ratchet.core.metrics import METRICS, Target, measure
from ratchet.core.params import Task
from ratchet.errors import UsageError

Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def paired(seed: int, rows: int, clusters: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Two models' losses and the rows' clusters, each cluster with a fate of its own."""
    rng = np.random.default_rng(seed)
    days = rng.permutation(np.arange(rows) % clusters)
    fate = rng.normal(scale=0.2, size=clusters)
    reference = rng.exponential(size=rows)
    return reference, reference + fate[days] + rng.normal(scale=0.5, size=rows), days


def same(expected: Comparison, actual: Comparison, *, scale: float = 1.0) -> None:
    """Both say the same, where `actual` measures losses in units of `scale`."""
    of_losses = {"gain", "low", "high", "standard_error", "sd", "margin"}
    for name, value in expected.model_dump().items():
        found, unit = getattr(actual, name), scale if name in of_losses else 1.0
        if isinstance(value, float):
            assert value == pytest.approx(found / unit, rel=1e-6, abs=1e-9), name
        else:
            assert value == found, name


def test_cluster_t_by_hand() -> None:
    """Gains 1, 3 | 2 | -2, 1 in three clusters: mean 1, error sqrt(3/2 * (2^2 + 1^2 + 3^2)) / 5, two degrees."""
    gains = np.array([1.0, 3.0, 2.0, -2.0, 1.0])
    found = compare(gains + 5, np.full(5, 5.0), ["a", "a", "b", "c", "c"], alpha=0.1, margin=0)
    error = math.sqrt(1.5 * 14) / 5
    reach = stats.t.ppf(0.9, 2) * error
    assert (1.0, error) == pytest.approx((found.gain, found.standard_error))
    assert (1 - reach, 1 + reach) == pytest.approx((found.low, found.high))
    assert stats.t.sf(1 / error, 2) == pytest.approx(found.p_better)
    assert stats.t.cdf(1 / error, 2) == pytest.approx(found.p_worse)
    assert math.sqrt(3.5) == pytest.approx(found.sd)
    assert error**2 / (3.5 / 5) == pytest.approx(found.design_effect)
    assert (5, 3, False) == (found.rows, found.clusters, found.assumed_independent)


def test_sign_flip_and_lag1_by_hand() -> None:
    """Cluster sums 4, 2, -1: 2 of 8 flips reach their total of 5; means 2, 2, -1/2 give lag-1 correlation -1/6."""
    gains = np.array([1.0, 3.0, 2.0, -2.0, 1.0])
    found = compare(gains + 5, np.full(5, 5.0), ["a", "a", "b", "c", "c"], alpha=0.1, margin=0)
    assert 2 / 8 == found.sign_flip
    deviations = np.array([2, 2, -0.5]) - 3.5 / 3
    expected = float(deviations[:-1] @ deviations[1:]) / float(deviations @ deviations)
    assert expected == pytest.approx(-1 / 6)
    assert found.lag1 == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, rows=st.integers(3, 80), margin=st.floats(0, 0.5))
def test_each_row_a_cluster_is_scipys_t_test(seed: int, rows: int, margin: float) -> None:
    """With a cluster per row the test is scipy's one-sample t test, and the design effect is 1."""
    reference, challenger, _ = paired(seed, rows, rows)
    found = compare(reference, challenger, np.arange(rows), alpha=0.05, margin=margin)
    oracle = stats.ttest_1samp(reference - challenger, -margin, alternative="greater")
    limits = stats.ttest_1samp(reference - challenger, 0).confidence_interval(0.9)
    assert oracle.pvalue == pytest.approx(found.p_better, rel=1e-8)
    assert (limits.low, limits.high) == pytest.approx((found.low, found.high))
    assert found.design_effect == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, rows=st.integers(2, 80))
def test_no_cluster_means_each_row_its_own(seed: int, rows: int) -> None:
    """Without clusters the numbers are those of a cluster per row, and the record says it assumed so."""
    reference, challenger, _ = paired(seed, rows, rows)
    assumed = compare(reference, challenger, alpha=0.1)
    named = compare(reference, challenger, np.arange(rows), alpha=0.1)
    assert assumed.assumed_independent
    assert not named.assumed_independent
    same(named.model_copy(update={"assumed_independent": True, "lag1": None}), assumed)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, clusters=st.integers(2, 20), margin=st.floats(0, 0.3))
def test_row_order_changes_nothing(seed: int, clusters: int, margin: float) -> None:
    """Rows are a set: shuffling them changes no number."""
    reference, challenger, days = paired(seed, 90, clusters)
    order = np.random.default_rng(seed).permutation(90)
    expected = compare(reference, challenger, days, alpha=0.1, margin=margin)
    same(expected, compare(reference[order], challenger[order], days[order], alpha=0.1, margin=margin))


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, exponent=st.integers(-200, 200), margin=st.floats(0, 0.3))
def test_unit_of_the_loss_changes_no_p(seed: int, exponent: int, margin: float) -> None:
    """Losses and margin in another unit give the same p values, and gains in that unit, however small or large."""
    reference, challenger, days = paired(seed, 60, 9)
    scale = 10.0**exponent
    expected = compare(reference, challenger, days, alpha=0.1, margin=margin)
    same(expected, compare(reference * scale, challenger * scale, days, alpha=0.1, margin=margin * scale), scale=scale)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, clusters=st.integers(2, 20))
def test_swapping_the_models_mirrors_the_answer(seed: int, clusters: int) -> None:
    """With the models swapped the gain changes its sign, the bounds trade places, and better becomes worse."""
    reference, challenger, days = paired(seed, 90, clusters)
    one, other = (compare(*pair, days, alpha=0.1) for pair in ((reference, challenger), (challenger, reference)))
    assert (-one.gain, one.p_worse) == pytest.approx((other.gain, other.p_better))
    assert one.low is not None
    assert one.high is not None
    assert (-one.high, -one.low) == pytest.approx((other.low, other.high))


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, clusters=st.integers(2, 20), alpha=st.floats(0.01, 0.4))
def test_bound_and_p_agree(seed: int, clusters: int, alpha: float) -> None:
    """The lower bound lies above zero exactly when p_better is below alpha; one certainty rules out the other."""
    reference, challenger, days = paired(seed, 90, clusters)
    found = compare(reference, challenger, days, alpha=alpha)
    assert found.low is not None
    assert (found.low > 0) == (found.p_better < alpha)
    assert found.p_better + found.p_worse == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, margins=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_wider_margin_is_easier(seed: int, margins: tuple[float, float]) -> None:
    """A wider margin never makes non-inferiority harder to show."""
    reference, challenger, days = paired(seed, 60, 9)
    narrow, wide = (compare(reference, challenger, days, alpha=0.1, margin=margin) for margin in sorted(margins))
    assert wide.p_better <= narrow.p_better
    assert wide.sign_flip is not None
    assert narrow.sign_flip is not None
    assert wide.sign_flip <= narrow.sign_flip


def test_intervals_shrink_with_more_clusters() -> None:
    """Four times the clusters of the same size about halve the interval, on average."""

    def mean_width(clusters: int) -> float:
        found = [compare(*paired(seed, clusters * 20, clusters), alpha=0.1) for seed in range(60)]
        return float(
            np.mean([each.high - each.low for each in found if each.high is not None and each.low is not None])
        )

    assert 0.4 < mean_width(80) / mean_width(20) < 0.56


def test_sign_flip_enumerates_all_flips() -> None:
    """The exact p is the share of all 2^G flips of cluster sums that total at least the observed sum."""
    reference, challenger, days = paired(3, 70, 7)
    sums = np.bincount(days, weights=reference - challenger + 0.05)
    totals = [float(np.dot(signs, sums)) for signs in itertools.product((1, -1), repeat=7)]
    expected = np.mean([total >= sums.sum() - 1e-12 for total in totals])
    assert expected == compare(reference, challenger, days, alpha=0.1, margin=0.05).sign_flip


@pytest.mark.parametrize(("clusters", "reported"), [(1, False), (2, True), (12, True), (13, False)])
def test_sign_flip_is_reported_for_few_clusters(clusters: int, reported: bool) -> None:
    """From 2 to 12 clusters the exact p is reported, otherwise it is None."""
    assert reported == (compare(*paired(1, 60, clusters), alpha=0.1).sign_flip is not None)


def test_lag1_sees_drifting_days() -> None:
    """Days whose gains drift have a high lag-1 correlation, shuffled days none to speak of."""
    days = np.repeat(np.arange(40), 5)
    drift = np.sin(days / 6)
    shuffled = np.random.default_rng(0).permutation(40)[days]
    drifting = compare(np.ones(200) + drift, np.ones(200), days, alpha=0.1).lag1
    mixed = compare(np.ones(200) + drift, np.ones(200), shuffled, alpha=0.1).lag1
    assert drifting is not None
    assert mixed is not None
    assert drifting > 0.8
    assert abs(mixed) < 0.4


@pytest.mark.parametrize("noise", [0.0, 1e-16])
@pytest.mark.parametrize(("margin", "p_better", "p_worse"), [(0.0, 1.0, 1.0), (0.01, 0.0, 1.0)])
def test_identical_models(noise: float, margin: float, p_better: float, p_worse: float) -> None:
    """Equal losses, or equal up to rounding, are never better nor worse, and are proven not worse by a margin."""
    losses = np.random.default_rng(0).exponential(size=60)
    found = compare(losses, losses - noise, np.arange(60) % 8, alpha=0.1, margin=margin)
    assert (0.0, 0.0, p_better, p_worse) == (found.gain, found.standard_error, found.p_better, found.p_worse)
    assert found.design_effect is None
    assert rows_needed(found, alpha=0.1, power=0.8, min_effect=0.005) is None


@pytest.mark.parametrize(
    ("challenger", "margin", "p_better", "p_worse"),
    [(0.6, 0.0, 0.0, 1.0), (0.8, 0.0, 1.0, 0.0), (0.8, 0.2, 0.0, 1.0), (0.8, 0.1, 1.0, 1.0)],
)
def test_constant_difference(challenger: float, margin: float, p_better: float, p_worse: float) -> None:
    """Without any spread the side of -margin decides; exactly at -margin, up to rounding, nothing is shown."""
    found = compare(np.full(40, 0.7), np.full(40, challenger), np.arange(40) % 8, alpha=0.1, margin=margin)
    assert (p_better, p_worse) == (found.p_better, found.p_worse)


def test_one_cluster_shows_nothing() -> None:
    """One cluster has no spread to measure: no bounds, and p values of 1 however large the gain."""
    found = compare(np.full(500, 9.0), np.full(500, 1.0), ["today"] * 500, alpha=0.1, margin=0.5)
    assert (None, None, None, 1.0, 1.0) == (found.low, found.high, found.standard_error, found.p_better, found.p_worse)


@pytest.mark.parametrize(
    ("reference", "challenger", "clusters", "says"),
    [
        ([1.0, 2.0], [1.0], None, "not paired"),
        ([], [], None, "at least one row"),
        ([[1.0]], [[1.0]], None, "one loss per row"),
        ([1.0, np.nan], [1.0, 1.0], None, "1 of 2 reference losses"),
        ([1.0, 1.0], [1.0, np.inf], None, "1 of 2 challenger losses"),
        ([1.0, 1.0], [1.0, 1.0], [1], "as many clusters"),
        ([1.0, 1.0], [1.0, 1.0], np.array(["a", None], dtype=object), "1 of 2 rows have no cluster"),
        ([1.0, 1.0], [1.0, 1.0], [1.0, np.nan], "1 of 2 rows have no cluster"),
    ],
)
def test_bad_rows_are_refused(reference: Any, challenger: Any, clusters: Any, says: str) -> None:
    """Losses that cannot be paired or are not finite, and missing clusters, are refused with their count."""
    with pytest.raises(UsageError, match=says):
        compare(np.array(reference), np.array(challenger), clusters, alpha=0.1)


@pytest.mark.parametrize(("alpha", "margin"), [(0.0, 0.0), (0.6, 0.0), (np.nan, 0.0), (0.1, -0.1), (0.1, np.nan)])
def test_bad_levels_are_refused(alpha: float, margin: float) -> None:
    """A level that is no one-sided risk, or a margin that is no loss, is refused."""
    with pytest.raises(UsageError):
        compare(np.ones(3), np.ones(3), alpha=alpha, margin=margin)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, clusters=st.integers(1, 20), scale=st.sampled_from([1e-250, 1.0, 1e250]))
def test_comparison_reads_back_equal(seed: int, clusters: int, scale: float) -> None:
    """A comparison written as JSON reads back equal, also where it is undefined."""
    reference, challenger, days = paired(seed, 40, clusters)
    found = compare(reference * scale, challenger * scale, days, alpha=0.1)
    assert found == Comparison.model_validate_json(found.model_dump_json())


def test_clusters_are_why_noise_is_not_promoted() -> None:
    """Day fates with no true gain: the cluster test errs about as often as it says, the row test far more often."""
    alpha, trials, days, rows = 0.10, 500, 14, 60
    rng = np.random.default_rng(11)
    day = np.repeat(np.arange(days), rows)
    by_cluster = by_row = 0
    for _ in range(trials):
        shared = rng.normal(scale=0.15, size=days)[day]
        reference = 1 + rng.normal(scale=0.5, size=days * rows)
        challenger = 1 + rng.normal(scale=0.5, size=days * rows) + shared
        by_cluster += compare(reference, challenger, day, alpha=alpha).p_better < alpha
        by_row += compare(reference, challenger, alpha=alpha).p_better < alpha
    assert 0.07 <= by_cluster / trials <= 0.13
    assert by_row / trials >= 0.25


def test_interval_covers_as_often_as_it_says() -> None:
    """The bounds at level .10 hold the true mean of clustered losses in about 80 of 100 samples."""
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        day = rng.integers(0, 12, size=300)
        found = interval(1 + rng.normal(scale=0.3, size=12)[day] + rng.normal(size=300), day, alpha=0.1)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1 <= found.high
    assert 0.74 <= held / 400 <= 0.86


def test_interval_is_the_comparison_with_nothing() -> None:
    """One model's mean loss has the interval of its gain over losses of zero."""
    reference, _, days = paired(2, 90, 9)
    alone, against = interval(reference, days, alpha=0.1), compare(reference, np.zeros(90), days, alpha=0.1)
    assert (against.gain, against.low, against.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_interval_of_an_undefined_loss_is_undefined() -> None:
    """One NaN loss leaves the mean without value or bounds."""
    found = interval(np.array([1.0, np.nan, 2.0]), [1, 2, 3], alpha=0.1)
    assert (None, None, None, 3, 3) == (found.value, found.low, found.high, found.rows, found.clusters)


def test_jackknife_of_a_mean_is_the_cluster_t() -> None:
    """For a mean over clusters of one size the jackknife equals the cluster t exactly."""
    reference, _, days = paired(4, 90, 9)
    direct, jackknifed = interval(reference, days, alpha=0.1), jackknife(np.mean, [reference], days, alpha=0.1)
    assert (direct.value, direct.low, direct.high) == pytest.approx((jackknifed.value, jackknifed.low, jackknifed.high))


def test_jackknife_covers_a_difference_of_auc() -> None:
    """The interval of an AUC difference between two equally good models holds zero about 54 of 60 times."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        day = np.repeat(np.arange(10), 30)
        truth = rng.normal(size=300)
        target = (truth + rng.normal(size=300) > 0).astype(np.int64)
        models = []
        for _ in range(2):
            positive = 1 / (1 + np.exp(-truth - rng.normal(scale=0.5, size=10)[day] - rng.normal(size=300)))
            models.append(np.column_stack([1 - positive, positive]))
        found = jackknife(auc_gain, [target, *models], day, alpha=0.05)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert 48 <= held <= 60


def auc_gain(target: NDArray[np.int64], reference: Floats, challenger: Floats) -> float:
    metric = METRICS["roc_auc"]
    return metric.gain(metric.function(target, reference), metric.function(target, challenger))


@pytest.mark.parametrize("clusters", [None, np.arange(5000)])
def test_jackknife_of_many_clusters_is_bounded(clusters: NDArray[np.int64] | None) -> None:
    """Thousands of clusters cost 64 fits and one for the estimate, and give nearly the same interval as all of them."""
    values = np.random.default_rng(0).exponential(size=5000)
    calls = 0

    def mean(kept: Floats) -> float:
        nonlocal calls
        calls += 1
        return float(kept.mean())

    found, direct = jackknife(mean, [values], clusters, alpha=0.1), interval(values, clusters, alpha=0.1)
    assert calls == 65
    assert (5000, clusters is None) == (found.clusters, found.assumed_independent)
    assert found.standard_error == pytest.approx(direct.standard_error, rel=0.25)


def test_undefined_statistic_has_no_bounds() -> None:
    """AUC that leaving one day out makes undefined has a value but no bounds; NaN has neither."""
    target, day = np.array([0, 0, 1, 0]), np.array([1, 1, 2, 3])
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.7, 0.3]])
    auc = METRICS["roc_auc"].function
    found = jackknife(auc, [target, scores], day, alpha=0.1)
    assert (1.0, None, None) == (found.value, found.low, found.high)
    nothing = jackknife(auc, [target[:2], scores[:2]], day[:2], alpha=0.1)
    assert (None, None, None) == (nothing.value, nothing.low, nothing.high)
    assert nothing == type(nothing).model_validate_json(nothing.model_dump_json())


def test_jackknife_refuses_other_rows() -> None:
    """Arrays of unequal length are not the same rows."""
    with pytest.raises(UsageError, match="3, 2 rows"):
        jackknife(np.mean, [np.ones(3), np.ones(2)], alpha=0.1)


def test_advice_by_hand() -> None:
    """n = deff * ((z + z) * sd / effect)^2: here 98,921 rows."""
    found = compare(*paired(0, 100, 10), alpha=0.05).model_copy(update={"design_effect": 10.0, "sd": 0.2})
    advice = rows_needed(found, alpha=0.05, power=0.8, min_effect=0.005)
    assert advice is not None
    assert (math.ceil(10 * ((1.6448536 + 0.8416212) * 0.2 / 0.005) ** 2), 9893) == (advice.rows, advice.clusters)


def test_advised_rows_have_the_planned_power() -> None:
    """Data of the advised size finds the planned effect about as often as planned."""
    alpha, power, effect, size = 0.10, 0.8, 0.1, 20
    rng = np.random.default_rng(3)

    def draw(days: int) -> Comparison:
        day = np.repeat(np.arange(days), size)
        gain = effect + rng.normal(scale=0.2, size=days)[day] + rng.normal(scale=0.5, size=days * size)
        return compare(2 + gain, np.full(days * size, 2.0), day, alpha=alpha)

    advice = rows_needed(draw(400), alpha=alpha, power=power, min_effect=effect)
    assert advice is not None
    found = np.mean([draw(advice.clusters).p_better < alpha for _ in range(400)])
    assert 0.73 <= found <= 0.88


def test_design_effect_below_one_is_not_counted_on() -> None:
    """A design effect that luck put below 1 asks for no fewer rows than independent ones would."""
    base = compare(*paired(0, 100, 10), alpha=0.1)
    lucky, plain = (
        rows_needed(base.model_copy(update={"design_effect": deff}), alpha=0.1, power=0.8, min_effect=0.01)
        for deff in (0.2, 1.0)
    )
    assert plain == lucky


@pytest.mark.parametrize("task", get_args(Task))
def test_every_metric_has_an_interval(task: Task) -> None:
    """The jackknife gives each metric of each task its measured value, between its bounds."""
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones({"regression": 1, "binary": 2, "multiclass": 3}[task]), size=2_000)
    target: Target = (rng.random((2_000, 1)) > scores.cumsum(axis=1)[:, :-1]).sum(axis=1).astype(np.int64)
    if task == "regression":
        target, scores = rng.normal(size=2_000), rng.normal(size=(2_000, 1))
    for name, value in measure(task, target, scores).items():
        found = jackknife(METRICS[name].function, [target, scores], np.arange(2_000) % 12, alpha=0.05)
        assert found.low is not None
        assert found.high is not None
        assert found.value == pytest.approx(value)
        assert found.low < value < found.high, name
