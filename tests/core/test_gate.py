"""The gate: what it promotes, and that nothing bad gets past it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratchet.core.comparison import Comparison, compare
from ratchet.core.gate import Decision, Evidence, decide
from ratchet.core.leakage.records import Disorder, LeakageCheck, Shared, Telling
from ratchet.core.metrics import measure, metrics_for, row_losses
from ratchet.core.params import Bounds, Gate
from ratchet.errors import UsageError

Floats = NDArray[np.float64]

POLICY = Gate(metric="log_loss", floors={"roc_auc": Bounds(min=0.6), "brier": Bounds(max=0.25)})
DAYS, ROWS = 14, 100
CLEAN = LeakageCheck(
    rows=1400,
    training_rows=8000,
    exact=Shared(rows=0, expected=3.0),
    near=Shared(rows=1, expected=3.0, but="x"),
    keys=Shared(rows=0, expected=0.0),
    disorder=Disorder(rows=0, newest_training="2013-06-30 23:00", oldest_holdout="2013-07-01 05:00"),
    telling=(Telling(feature="hour", by="value", value=0.7, rows=1400),),
)


@dataclass(frozen=True)
class Holdout:
    """Rows of 14 days with a shared fate each, and the log odds that a perfect model would give."""

    target: NDArray[np.int64]
    odds: Floats
    day: NDArray[np.int64]


def holdout(seed: int = 0, days: int = DAYS) -> Holdout:
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), ROWS)
    odds = 1.5 * rng.normal(size=days * ROWS) + rng.normal(scale=0.3, size=days)[day]
    return Holdout((rng.random(days * ROWS) < 1 / (1 + np.exp(-odds))).astype(np.int64), odds, day)


def scored(odds: Floats) -> Floats:
    positive = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - positive, positive])


def champion(data: Holdout) -> Floats:
    """A decent model: the true log odds, blurred and too timid."""
    return scored(0.6 * (data.odds + np.random.default_rng(99).normal(scale=0.8, size=len(data.odds))))


def judged(data: Holdout, challenger: Floats, policy: Gate = POLICY, **known: Any) -> Evidence:
    """The evidence as an evaluation would write it; `known` replaces parts of it."""
    reference, comparison, why = champion(data), None, ""
    losses = [row_losses(policy.metric, data.target, scores) for scores in (reference, challenger)]
    try:
        comparison = compare(losses[0], losses[1], data.day, alpha=policy.alpha, margin=policy.margin)
    except UsageError as error:
        why = error.message
    evidence: dict[str, Any] = {
        "task": "binary",
        "metric": policy.metric,
        "reference": "champion",
        "champion": 3,
        "challenger_is_champion": False,
        "comparison": comparison,
        "no_comparison": why,
        "challenger_metrics": measure("binary", data.target, challenger),
        "reference_metrics": measure("binary", data.target, reference),
        "holdout": ("2013-07",),
        "contaminated": (),
        "leakage": CLEAN,
    }
    return Evidence(**{**evidence, **known})


def good(policy: Gate = POLICY, days: int = DAYS, **known: Any) -> Evidence:
    """A challenger that knows the true log odds."""
    data = holdout(days=days)
    return judged(data, scored(data.odds), policy, **known)


def failed(decision: Decision) -> list[str]:
    return [condition.name for condition in decision.conditions if not condition.passed]


def changed(evidence: Evidence, **known: Any) -> Evidence:
    return Evidence(**{**dict(evidence), **known})


def without(evidence: Evidence, metric: str) -> Evidence:
    return changed(evidence, challenger_metrics={k: v for k, v in evidence.challenger_metrics.items() if k != metric})


def with_comparison(evidence: Evidence, **known: Any) -> Evidence:
    assert evidence.comparison is not None
    return changed(evidence, comparison=Comparison(**{**dict(evidence.comparison), **known}))


def with_floor(metric: str, floor: Bounds) -> Gate:
    return POLICY.model_copy(update={"floors": {**POLICY.floors, metric: floor}})


def test_better_challenger_is_promoted() -> None:
    """A challenger that is truly and clearly better passes every condition."""
    decision = decide(good(), POLICY)
    assert ("promote", [], None, "") == (decision.verdict, failed(decision), decision.missing, decision.would_change)
    assert [
        "untouched",
        "leakage",
        "different",
        "reference",
        "measured",
        "floor:brier",
        "floor:roc_auc",
        "enough_clusters",
        "better",
    ] == [condition.name for condition in decision.conditions]
    assert "log_loss: gain +" in decision.reason


def test_first_champion_must_beat_the_constant_predictor() -> None:
    """While nothing serves, the reference is the baseline and the same conditions hold."""
    assert "promote" == decide(good(reference="baseline", champion=None), POLICY).verdict


def test_the_better_condition_carries_its_numbers() -> None:
    """The condition's estimate, bounds, threshold, rows and clusters are the comparison's."""
    evidence = good()
    found, comparison = decide(evidence, POLICY).conditions[-1], evidence.comparison
    assert comparison is not None
    assert (comparison.gain, comparison.low, comparison.high) == pytest.approx((found.estimate, found.low, found.high))
    assert (0.0, DAYS * ROWS, DAYS) == (found.threshold, found.rows, found.clusters)


def shuffled(data: Holdout) -> Floats:
    return scored(np.random.default_rng(1).permutation(data.odds))


def broken_day(data: Holdout) -> Floats:
    """Right on all days but two, where a failed join makes it surely wrong."""
    return scored(np.where(data.day < 2, -4 * data.odds, data.odds))


BAD_SCORES: dict[str, Callable[[Holdout], Floats]] = {
    "constant prediction": lambda data: scored(
        np.full_like(data.odds, np.log(data.target.mean() / (1 - data.target.mean())))
    ),
    "swapped classes": lambda data: scored(-data.odds),
    "shuffled scores": shuffled,
    "NaN scores": lambda data: np.where(data.day[:, None] == 3, np.nan, scored(data.odds)),
    "NaN in one row": lambda data: np.where(np.arange(len(data.day))[:, None] == 5, np.nan, scored(data.odds)),
    "a copy of the champion": champion,
    "champion up to rounding": lambda data: champion(data) + np.array([1e-16, -1e-16]),
    "too confident": lambda data: scored(6 * data.odds),
    "too timid": lambda data: scored(0.1 * data.odds),
    "far too high": lambda data: scored(data.odds + 3),
    "broken on two days": broken_day,
    "worse by noise": lambda data: scored(data.odds + np.random.default_rng(5).normal(scale=3, size=len(data.odds))),
    "sure of everything": lambda data: scored(np.where(data.odds > 0, 60.0, -60.0)),
    "scores of other rows": lambda data: scored(np.roll(data.odds, 1)),
}


@pytest.mark.parametrize("name", BAD_SCORES)
@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_planted_bad_scores_are_never_promoted(name: str, margin: float) -> None:
    """Whatever is wrong with a challenger's scores, on any of five holdouts it is not promoted."""
    policy = POLICY.model_copy(update={"margin": margin})
    harmless = margin > 0 and "champion" in name
    for seed in range(5):
        data = holdout(seed)
        decision = decide(judged(data, BAD_SCORES[name](data), policy), policy)
        assert harmless == (decision.verdict == "promote"), decision.reason


BAD_EVIDENCE: dict[str, tuple[Evidence, Gate, list[str], str]] = {
    "contaminated": (good(contaminated=("2013-07",)), POLICY, ["untouched"], "reject"),
    "leaking": (
        good(leakage=CLEAN.model_copy(update={"exact": Shared(rows=100, expected=3.0)})),
        POLICY,
        ["leakage"],
        "reject",
    ),
    "nobody looked for leakage": (good(leakage=None), POLICY, ["leakage"], "hold"),
    "no holdout": (good(holdout=()), POLICY, ["untouched"], "hold"),
    "same model": (good(challenger_is_champion=True), POLICY, ["different"], "hold"),
    "baseline while a version serves": (good(reference="baseline"), POLICY, ["reference"], "hold"),
    "champion while none serves": (good(champion=None), POLICY, ["reference"], "hold"),
    "metric missing": (without(good(), "ece"), POLICY, ["measured"], "hold"),
    "NaN metric": (
        changed(good(), challenger_metrics={**good().challenger_metrics, "ece": math.nan}),
        POLICY,
        ["measured"],
        "hold",
    ),
    "floor metric missing": (without(good(), "brier"), POLICY, ["measured", "floor:brier"], "hold"),
    "unknown floor metric": (good(), with_floor("rmse", Bounds(max=1.0)), ["floor:rmse"], "hold"),
    "floor without limits": (good(), with_floor("accuracy", Bounds()), ["floor:accuracy"], "hold"),
    "below a floor": (good(), with_floor("accuracy", Bounds(min=0.99)), ["floor:accuracy"], "reject"),
    "above a ceiling": (good(), with_floor("ece", Bounds(max=1e-6)), ["floor:ece"], "reject"),
    "too few clusters": (good(days=6), POLICY, ["enough_clusters"], "hold"),
    "one cluster": (good(days=1), POLICY, ["enough_clusters", "better"], "hold"),
    "too few independent rows": (
        with_comparison(good(), assumed_independent=True, rows=29, clusters=29),
        POLICY,
        ["enough_clusters"],
        "hold",
    ),
    "no comparison": (good(comparison=None), POLICY, ["enough_clusters", "better"], "hold"),
    "no evidence of better": (with_comparison(good(), p_better=0.1), POLICY, ["better"], "hold"),
    "worse": (with_comparison(good(), p_better=0.99, p_worse=0.01), POLICY, ["better"], "reject"),
    "compared by another metric": (good(metric="brier"), POLICY, ["better"], "hold"),
    "compared with another margin": (with_comparison(good(), margin=0.01), POLICY, ["better"], "hold"),
    "metric without row loss": (good(), POLICY.model_copy(update={"metric": "roc_auc"}), ["better"], "hold"),
    "metric of another task": (good(), POLICY.model_copy(update={"metric": "squared_error"}), ["better"], "hold"),
}


@pytest.mark.parametrize("name", BAD_EVIDENCE)
def test_planted_bad_evidence_is_never_promoted(name: str) -> None:
    """Each fault in otherwise perfect evidence fails the condition that guards against it, and no other."""
    evidence, policy, conditions, verdict = BAD_EVIDENCE[name]
    decision = decide(evidence, policy)
    assert (conditions, verdict) == (failed(decision), decision.verdict)
    assert decision.would_change


def test_every_condition_alone_stops_a_promotion() -> None:
    """For each kind of condition there is evidence that it alone refuses: without it, that would be promoted."""
    kinds = {condition.name.split(":")[0] for condition in decide(good(), POLICY).conditions}
    alone = {names[0].split(":")[0] for _, _, names, _ in BAD_EVIDENCE.values() if len(names) == 1}
    assert kinds == alone


@pytest.mark.parametrize("name", ["unknown floor metric", "metric without row loss"])
def test_policy_mistakes_name_what_is_known(name: str) -> None:
    """A policy that names a metric the task does not have is told the ones it has."""
    evidence, policy, _, _ = BAD_EVIDENCE[name]
    assert "log_loss, " in decide(evidence, policy).reason


def test_few_clusters_report_sign_flips_but_do_not_require_them() -> None:
    """With seven clusters the exact p is in the sentence, and a p of 1 from it alone changes no verdict."""
    evidence = with_comparison(good(days=8), sign_flip=1.0)
    decision = decide(evidence, POLICY)
    assert "promote" == decision.verdict
    assert "flips of whole clusters" in decision.reason


def test_independent_rows_are_said_to_be_assumed() -> None:
    """Without a cluster column 30 rows are enough, and the sentence says what that assumes."""
    evidence = with_comparison(good(), assumed_independent=True, rows=30, clusters=30)
    decision = decide(evidence, POLICY)
    assert "promote" == decision.verdict
    assert "assumes independent rows" in decision.conditions[-2].sentence


def test_hold_says_how_much_is_missing() -> None:
    """Too little data for the smallest gain worth finding: the advice is what is needed beyond the present."""
    evidence = with_comparison(good(), gain=0.001, p_better=0.4, p_worse=0.6, sd=0.05, design_effect=5.0)
    decision = decide(evidence, POLICY)
    needed = 5 * ((1.2815516 + 0.8416212) * 0.05 / 0.005) ** 2
    clusters = math.ceil(math.ceil(needed) / ROWS) - DAYS
    assert clusters > 0
    assert decision.missing is not None
    assert (clusters * ROWS, clusters) == (decision.missing.rows, decision.missing.clusters)
    assert f"{clusters} more clusters" in decision.would_change


def test_one_cluster_is_told_the_fewest_that_can_be_judged() -> None:
    """Without a measured spread the advice is the policy's fewest clusters, and no power is promised."""
    decision = decide(good(days=1), POLICY)
    assert decision.missing is not None
    assert (6 * ROWS, 6) == (decision.missing.rows, decision.missing.clusters)
    assert "at least 600 more rows in 6 more clusters" in decision.would_change
    assert "power" not in decision.would_change


def test_hold_with_enough_data_asks_for_a_larger_gain() -> None:
    """Where the rows would have shown the smallest gain worth finding, more rows are not advised."""
    evidence = with_comparison(good(), gain=0.001, p_better=0.4, p_worse=0.6, sd=0.005, design_effect=1.0)
    decision = decide(evidence, POLICY)
    assert ("hold", None, "a larger gain") == (decision.verdict, decision.missing, decision.would_change)


def test_more_rows_are_not_advised_against_another_fault() -> None:
    """More rows do not mend a challenger that is the champion itself."""
    assert decide(good(days=3, challenger_is_champion=True), POLICY).missing is None


@settings(max_examples=60, deadline=None)
@given(
    p_better=st.floats(0, 1),
    accuracy=st.one_of(st.none(), st.floats()),
    clusters=st.integers(1, 40),
    contaminated=st.lists(st.sampled_from(["a", "b"]), max_size=2),
    same=st.booleans(),
)
def test_decision_replays_from_its_file(
    p_better: float, accuracy: float | None, clusters: int, contaminated: list[str], same: bool
) -> None:
    """A decision reads back equal from JSON, NaN and infinity included, and deciding again gives it once more."""
    evidence = with_comparison(good(), p_better=p_better, p_worse=1 - p_better, clusters=clusters)
    evidence = changed(
        evidence,
        challenger_metrics={**evidence.challenger_metrics, "accuracy": accuracy},
        contaminated=tuple(contaminated),
        challenger_is_champion=same,
    )
    decision = decide(evidence, POLICY)
    read = Decision.model_validate_json(decision.model_dump_json())
    assert decision == read
    assert decision == decide(read.evidence, read.policy)


def test_decision_replays_from_a_file_with_sorted_keys() -> None:
    """Files are written with sorted keys: the floors of a policy decide the same in any order."""
    decision = decide(good(), POLICY)
    read = Decision.model_validate_json(json.dumps(decision.model_dump(mode="json"), sort_keys=True))
    assert [*read.policy.floors] != [*POLICY.floors]
    assert decision == read == decide(read.evidence, read.policy)


@settings(max_examples=100, deadline=None)
@given(p_better=st.floats(0, 1), alpha=st.floats(0.001, 0.5))
def test_promotes_only_below_alpha(p_better: float, alpha: float) -> None:
    """With all else perfect, the verdict is promote exactly when p_better is below the policy's alpha."""
    evidence = with_comparison(good(), p_better=p_better, p_worse=1.0)
    assert (p_better < alpha) == (decide(evidence, POLICY.model_copy(update={"alpha": alpha})).verdict == "promote")


def test_no_metric_may_be_undefined() -> None:
    """Whichever of the task's metrics is undefined, the challenger is not promoted."""
    for metric in metrics_for("binary"):
        assert "promote" != decide(without(good(), metric.name), POLICY).verdict


def test_equal_models_are_promoted_as_seldom_as_alpha_says() -> None:
    """Two equally good models whose days go either way: the gate promotes at most .13 of the time at alpha .10."""
    policy, perfect = POLICY.model_copy(update={"floors": {}}), good()
    promoted = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        day = np.repeat(np.arange(DAYS), 40)
        losses = [0.5 + rng.normal(scale=0.1, size=DAYS)[day] + rng.normal(scale=0.3, size=DAYS * 40) for _ in range(2)]
        comparison = compare(losses[0], losses[1], day, alpha=policy.alpha, margin=policy.margin)
        promoted += decide(changed(perfect, comparison=comparison), policy).verdict == "promote"
    assert 0.05 <= promoted / 400 <= 0.13
