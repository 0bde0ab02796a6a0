"""What would change a verdict: how many rows are missing, where nothing but rows is, and what else would mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core import gate
from ratchet.core.gate_params import Guardrail

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

    from ratchet.core.decision import Evidence

TWELVE = (1200, 12)
"""Of a gain with sd 0.05 and design effect 5: 5 * ((1.2816 + 0.8416) * 0.05 / 0.005)^2 = 2,254 rows make 23 clusters of
100, and 11 are there."""


def unsure(bench: Bench, **known: Any) -> Evidence:
    """Evidence whose gain is not shown, though nothing stands against it."""
    usual = {"gain": 0.001, "p_better": 0.4, "p_worse": 0.6, "sd": 0.05, "design_effect": 5.0}
    return bench.changed(comparison=bench.compared(**(usual | known)))


CASES: Mapping[str, Callable[[Bench], Case]] = {
    "rows and clusters for the smallest gain worth finding": lambda bench: bench.case(
        unsure(bench),
        verdict="hold",
        failed=["better"],
        missing=TWELVE,
        said=("a larger gain; about 1,200 more rows in 12 more clusters would show a gain of 0.005 with power 0.8\n",),
    ),
    "the policy says how small, and how sure": lambda bench: bench.case(
        unsure(bench),
        bench.policy(power=0.9, min_effect=0.01),
        verdict="hold",
        failed=["better"],
        # 5 * ((1.2816 + 1.2816) * 0.05 / 0.01)^2 = 822 rows: as many are there
        said=("; a larger gain",),
    ),
    "for an equal model, with a margin": lambda bench: bench.case(
        unsure(bench, margin=0.01, sd=0.1),
        bench.policy(margin=0.01),
        verdict="hold",
        failed=["better"],
        missing=TWELVE,
        said=("would show an equal model to be no worse by 0.01 with power 0.8",),
    ),
    "one cluster, of which nothing is known": lambda bench: bench.case(
        unsure(bench, clusters=1, rows=100, standard_error=None, design_effect=None, p_better=1.0, p_worse=1.0),
        bench.policy(conditions={}),
        verdict="hold",
        failed=["enough_clusters", "better"],
        missing=(600, 6),
        said=("at least 600 more rows in 6 more clusters, before anything can be judged\n",),
    ),
    "independent rows are not counted twice": lambda bench: bench.case(
        unsure(bench, assumed_independent=True, rows=1000, clusters=1000, design_effect=1.0, sd=0.1),
        verdict="hold",
        failed=["better"],
        missing=(804, 804),  # ((1.2816 + 0.8416) * 0.1 / 0.005)^2 = 1,804
        said=("about 804 more rows would show",),
    ),
    "a few rows, with the parts of clusters rounded up": lambda bench: bench.case(
        unsure(bench, rows=1105), verdict="hold", failed=["better"], missing=(1206, 12)
    ),
    "as many rows as would have shown it are there": lambda bench: bench.case(
        # 5 * (2.1232 * 0.0341 / 0.005)^2 = 1,049 rows in 11 clusters
        unsure(bench, sd=0.0341),
        verdict="hold",
        failed=["better"],
        said=("; a larger gain",),
    ),
    "one cluster more would do": lambda bench: bench.case(
        # 5 * (2.1232 * 0.035 / 0.005)^2 = 1,105 rows in 12 clusters
        unsure(bench, sd=0.035),
        verdict="hold",
        failed=["better"],
        missing=(100, 1),
    ),
    "a floor that is not shown may want rows": lambda bench: bench.case(
        unsure(bench).model_copy(update={"metrics": bench.metric("roc_auc", challenger=bench.estimate(0.605)).metrics}),
        verdict="hold",
        failed=["floor:roc_auc", "better"],
        missing=TWELVE,
        said=("a model with roc_auc at least 0.6, or more rows; a larger gain; about 1,200 more rows",),
    ),
    "a guardrail that is not shown may want rows": lambda bench: bench.case(
        unsure(bench).model_copy(update={"metrics": bench.metric("accuracy", gain=bench.estimate(-0.005)).metrics}),
        verdict="hold",
        failed=["guardrail:accuracy", "better"],
        missing=TWELVE,
    ),
    "rows for a gain are not advised where it is a floor that is not shown": lambda bench: bench.case(
        bench.changed(
            comparison=bench.compared(sd=0.05, design_effect=5.0),
            metrics=bench.metric("roc_auc", challenger=bench.estimate(0.605)).metrics,
        ),
        verdict="hold",
        failed=["floor:roc_auc"],
        said=("\na model with roc_auc at least 0.6, or more rows\n",),
    ),
    "no rows mend a floor that nobody measured": lambda bench: bench.case(
        unsure(bench),
        bench.policy(guardrails={"rmse": Guardrail(max_drop=1.0)}),
        verdict="hold",
        failed=["guardrail:rmse", "better"],
    ),
    "no rows mend harm": lambda bench: bench.case(
        unsure(bench, p_better=0.99, p_worse=0.01), verdict="reject", failed=["better"]
    ),
    "no rows mend a broken floor": lambda bench: bench.case(
        unsure(bench).model_copy(update={"metrics": bench.metric("roc_auc", challenger=bench.estimate(0.5)).metrics}),
        verdict="reject",
        failed=["floor:roc_auc", "better"],
        harm=["floor:roc_auc"],
        said=("\na model with roc_auc at least 0.6\n",),
    ),
    "no rows mend another fault": lambda bench: bench.case(
        unsure(bench).model_copy(update={"challenger_is_champion": True}),
        verdict="hold",
        failed=["different", "better"],
    ),
    "no rows mend a comparison by another metric": lambda bench: bench.case(
        unsure(bench).model_copy(update={"metric": "brier"}), verdict="hold", failed=["better"]
    ),
    "the same remedy is said once": lambda bench: bench.case(
        bench.changed(costs={}, gaps=()),
        verdict="hold",
        failed=["fairness:group:loss_gap", "cost:latency_p95_ms", "cost:model_mb"],
        said=("mend gate.fairness in params.yaml, or judge by rows of two groups and more; ratchet run measures it\n",),
    ),
    "a promotion needs no rows": lambda bench: bench.case(
        bench.changed(comparison=bench.compared(sd=5.0, design_effect=50.0))
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_advice(name: str, bench: Bench) -> None:
    """The advice is the case's, in rows, clusters and words."""
    CASES[name](bench).check(gate)
