"""The condition that decides: shown to be better, or not worse by a margin, at the level that this look may spend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core import gate
from ratchet.core.comparison import compare
from ratchet.core.gate import decide

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "better, with the comparison's numbers": lambda bench: bench.case(
        found={
            "better": {
                "estimate": 0.02,
                "low": 0.013139,
                "high": 0.026861,
                "threshold": 0.0,
                "rows": 1100,
                "clusters": 11,
            }
        },
        said=(
            "better: log_loss: gain +0.0200 a row, 80% interval +0.0131 to +0.0269 (above 0: the challenger is "
            "better); required: better than the champion, p below 0.1; found: p 0.001; \n",
        ),
    ),
    "a p of exactly alpha is not below it": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(p_better=0.1, p_worse=0.9)),
        verdict="hold",
        failed=["better"],
        said=("; a larger gain",),
    ),
    "nothing is shown": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(p_better=0.4, p_worse=0.6)), verdict="hold", failed=["better"]
    ),
    "shown to be worse": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(p_better=0.99, p_worse=0.01)),
        verdict="reject",
        failed=["better"],
        said=("found: p 0.99; shown to be worse, p 0.01; a model with less loss",),
    ),
    "worse by a p of exactly alpha is not shown": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(p_better=0.9, p_worse=0.1)),
        verdict="hold",
        failed=["better"],
        said=("found: p 0.9; a larger gain",),
    ),
    "with few clusters, the exact p is told": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(sign_flip=1.0)), said=("p 0.001, by flips of whole clusters 1; \n",)
    ),
    "one cluster has no interval": lambda bench: bench.case(
        bench.changed(
            comparison=bench.compared(standard_error=None, low=None, high=None, p_better=1.0, p_worse=1.0, sd=0.0)
        ),
        verdict="hold",
        failed=["better"],
        found={"better": {"low": None, "high": None}},
        said=("log_loss: gain +0.0200 a row (above 0",),
    ),
    "not worse by the margin": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(margin=0.01)),
        bench.policy(margin=0.01),
        found={"better": {"threshold": -0.01}},
        said=("required: not worse than the champion by 0.01, p below 0.1",),
    ),
    "a refit is held to its own margin": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(margin=0.005), refit=True),
        bench.policy(refit_margin=0.005),
        found={"better": {"threshold": -0.005}},
    ),
    "new code is not held to the refit's margin": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(margin=0.005)),
        bench.policy(refit_margin=0.005),
        verdict="hold",
        failed=["better"],
        said=("compared by log_loss at margin 0.005, but the policy says log_loss at margin 0;",),
    ),
    "compared by another metric": lambda bench: bench.case(
        bench.changed(metric="brier"),
        verdict="hold",
        failed=["better"],
        said=("compared by brier at margin 0, but the policy says log_loss at margin 0; mend this and evaluate again",),
    ),
    "nothing was compared": lambda bench: bench.case(
        bench.changed(comparison=None, no_comparison="other labels"),
        verdict="hold",
        failed=["enough_clusters", "better"],
        said=("nothing was compared: other labels",),
    ),
    "nothing was compared, and nobody says why": lambda bench: bench.case(
        bench.changed(comparison=None),
        verdict="hold",
        failed=["enough_clusters", "better"],
        said=("nothing was compared: the evidence holds no comparison",),
    ),
    "a metric without a loss per row": lambda bench: bench.case(
        bench.changed(metric="roc_auc"),
        bench.policy(metric="roc_auc"),
        verdict="hold",
        failed=["better"],
        said=("roc_auc has no loss per row for a binary model; gate.metric may be log_loss, brier",),
    ),
    "a metric of another task": lambda bench: bench.case(
        bench.changed(metric="squared_error"),
        bench.policy(metric="squared_error"),
        verdict="hold",
        failed=["better"],
        said=("squared_error has no loss per row for a binary model",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_gain(name: str, bench: Bench) -> None:
    """The gain decides as the case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)


@settings(max_examples=100, deadline=None)
@given(p_better=st.floats(0, 1), alpha=st.floats(0.001, 0.5))
def test_promotes_only_below_alpha(bench: Bench, p_better: float, alpha: float) -> None:
    """With all else perfect, the verdict is promote exactly when p_better is below the policy's alpha."""
    evidence = bench.changed(comparison=bench.compared(p_better=p_better, p_worse=1.0))
    assert (p_better < alpha) == (decide(evidence, bench.plain(alpha=alpha)).verdict == "promote")


def test_equal_models_are_promoted_as_seldom_as_alpha_says(bench: Bench) -> None:
    """Two equally good models whose days go either way: the gate promotes at most .13 of the time at alpha .10."""
    policy, days, promoted = bench.plain(), 14, 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        day = np.repeat(np.arange(days), 40)
        losses = [0.5 + rng.normal(scale=0.1, size=days)[day] + rng.normal(scale=0.3, size=days * 40) for _ in range(2)]
        comparison = compare(losses[0], losses[1], day, alpha=policy.alpha, margin=policy.margin)
        promoted += decide(bench.changed(comparison=comparison), policy).verdict == "promote"
    assert 0.05 <= promoted / 400 <= 0.13
