"""Whatever is wrong with a challenger's scores, it is not promoted, on any of several holdouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from ratchet.core.comparison import compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Evidence
from ratchet.core.evaluation import evaluate
from ratchet.core.gate import decide
from ratchet.core.gate_params import Bounds, Gate
from ratchet.core.metrics import metrics_for, row_losses
from ratchet.errors import UsageError

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench

Floats = NDArray[np.float64]

POLICY = Gate(metric="log_loss", floors={"roc_auc": Bounds(min=0.6), "brier": Bounds(max=0.25)})
DAYS, ROWS = 14, 100


@dataclass(frozen=True)
class Holdout:
    """Rows of 14 days with a shared fate each, and the log odds that a perfect model would give."""

    target: NDArray[np.int64]
    odds: Floats
    day: NDArray[np.int64]


def holdout(seed: int) -> Holdout:
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), ROWS)
    odds = 1.5 * rng.normal(size=DAYS * ROWS) + rng.normal(scale=0.3, size=DAYS)[day]
    return Holdout((rng.random(DAYS * ROWS) < 1 / (1 + np.exp(-odds))).astype(np.int64), odds, day)


def scored(odds: Floats) -> Floats:
    positive = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - positive, positive])


def champion(data: Holdout) -> Floats:
    """A decent model: the true log odds, blurred and too timid."""
    return scored(0.6 * (data.odds + np.random.default_rng(99).normal(scale=0.8, size=len(data.odds))))


def judged(data: Holdout, challenger: Floats, policy: Gate, bench: Bench) -> Evidence:
    """The evidence as an evaluation would write it."""
    reference, comparison, why = champion(data), None, ""
    losses = [row_losses(policy.metric, data.target, scores) for scores in (reference, challenger)]
    try:
        comparison = compare(losses[0], losses[1], data.day, alpha=policy.alpha, margin=policy.margin)
    except UsageError as error:
        why = error.message
    metrics = evaluate(
        "binary",
        data.target,
        {CHAMPION: reference, CHALLENGER: challenger},
        clusters=data.day,
        pair=(CHAMPION, CHALLENGER),
        alpha=policy.alpha,
    )
    return bench.changed(comparison=comparison, no_comparison=why, metrics=tuple(metrics))


BAD_SCORES: dict[str, Callable[[Holdout], Floats]] = {
    "constant prediction": lambda data: scored(
        np.full_like(data.odds, np.log(data.target.mean() / (1 - data.target.mean())))
    ),
    "swapped classes": lambda data: scored(-data.odds),
    "shuffled scores": lambda data: scored(np.random.default_rng(1).permutation(data.odds)),
    "NaN scores": lambda data: np.where(data.day[:, None] == 3, np.nan, scored(data.odds)),
    "NaN in one row": lambda data: np.where(np.arange(len(data.day))[:, None] == 5, np.nan, scored(data.odds)),
    "a copy of the champion": champion,
    "champion up to rounding": lambda data: champion(data) + np.array([1e-16, -1e-16]),
    "too confident": lambda data: scored(6 * data.odds),
    "too timid": lambda data: scored(0.1 * data.odds),
    "far too high": lambda data: scored(data.odds + 3),
    "broken on two days": lambda data: scored(np.where(data.day < 2, -4 * data.odds, data.odds)),
    "worse by noise": lambda data: scored(data.odds + np.random.default_rng(5).normal(scale=3, size=len(data.odds))),
    "sure of everything": lambda data: scored(np.where(data.odds > 0, 60.0, -60.0)),
    "scores of other rows": lambda data: scored(np.roll(data.odds, 1)),
}


@pytest.mark.parametrize("name", BAD_SCORES)
@pytest.mark.parametrize("margin", [0.0, 0.005])
def test_bad_scores_are_never_promoted(name: str, margin: float, bench: Bench) -> None:
    """On any of five holdouts; a copy of the champion is no worse than it, and passes where that is enough."""
    policy = POLICY.model_copy(update={"margin": margin})
    harmless = margin > 0 and "champion" in name
    for seed in range(5):
        data = holdout(seed)
        decision = decide(judged(data, BAD_SCORES[name](data), policy, bench), policy)
        assert harmless == (decision.verdict == "promote"), decision.reason


def test_the_true_odds_are_promoted(bench: Bench) -> None:
    """A challenger that knows the true log odds passes on each of the holdouts: they do not refuse everybody."""
    for seed in range(5):
        data = holdout(seed)
        assert "promote" == decide(judged(data, scored(data.odds), POLICY, bench), POLICY).verdict


def test_the_gates_bounds_are_those_of_the_evaluation(bench: Bench) -> None:
    """What a report shows of a metric, between bounds at the policy's level, is what its floor is judged by."""
    data = holdout(0)
    policy = POLICY.model_copy(update={"floors": {metric.name: Bounds(min=-99.0) for metric in metrics_for("binary")}})
    evidence = judged(data, scored(data.odds), policy, bench)
    conditions = {each.name: each for each in decide(evidence, policy).conditions}
    for row in evidence.metrics:
        floor, shown = conditions[f"floor:{row.name}"], row.models[CHALLENGER]
        assert (shown.value, shown.low, shown.high) == pytest.approx((floor.estimate, floor.low, floor.high))
