"""What a model costs: no more than is allowed, and no more beside the champion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ratchet.core import gate
from ratchet.core.findings import Cost
from ratchet.core.gate_params import CostLimit

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

    from ratchet.core.decision import Evidence

NAME = "cost:latency_p95_ms"


def costing(bench: Bench, **known: Any) -> Evidence:
    """Evidence with another latency."""
    usual: dict[str, Any] = {"challenger": 10.0, "reference": 9.0, "ratio": 1.1, "ratio_high": 1.2}
    return bench.changed(costs={**bench.evidence.costs, "latency_p95_ms": Cost(**(usual | known))})


CASES: Mapping[str, Callable[[Bench], Case]] = {
    "cheap enough": lambda bench: bench.case(
        found={
            NAME: {"estimate": 10.0, "threshold": 50.0},
            "cost:model_mb": {"estimate": 2.0, "threshold": 100.0},
        },
        said=(
            f"{NAME}: latency_p95_ms is 10, and may be 50; latency_p95_ms is 1.1 times the champion's (at most 1.2), "
            "and may be 1.25 times; \n",
        ),
    ),
    "exactly what is allowed": lambda bench: bench.case(
        costing(bench, challenger=50.0, ratio=1.25, ratio_high=1.25),
    ),
    "too slow": lambda bench: bench.case(
        costing(bench, challenger=51.0), verdict="reject", failed=[NAME], said=("a model that costs less",)
    ),
    "too large": lambda bench: bench.case(
        bench.changed(costs={**bench.evidence.costs, "model_mb": Cost(challenger=300.0, reference=2.0)}),
        verdict="reject",
        failed=["cost:model_mb"],
    ),
    "perhaps slower than the champion allows": lambda bench: bench.case(
        costing(bench, ratio=1.2, ratio_high=1.3), verdict="hold", failed=[NAME]
    ),
    "the middle at the limit is not shown to be over it": lambda bench: bench.case(
        costing(bench, ratio=1.25, ratio_high=1.3), verdict="hold", failed=[NAME]
    ),
    "shown to be slower than the champion allows": lambda bench: bench.case(
        costing(bench, ratio=1.3, ratio_high=1.4), verdict="reject", failed=[NAME]
    ),
    "champion not measured": lambda bench: bench.case(
        costing(bench, reference=None, ratio=None, ratio_high=None),
        verdict="hold",
        failed=[NAME],
        said=("latency_p95_ms was not measured for the champion",),
    ),
    "ratio without a bound": lambda bench: bench.case(costing(bench, ratio_high=None), verdict="hold", failed=[NAME]),
    "bound without a ratio": lambda bench: bench.case(costing(bench, ratio=None), verdict="hold", failed=[NAME]),
    "not a number": lambda bench: bench.case(costing(bench, challenger=float("nan")), verdict="hold", failed=[NAME]),
    "not measured": lambda bench: bench.case(
        bench.changed(costs={}),
        verdict="hold",
        failed=[NAME, "cost:model_mb"],
        said=("latency_p95_ms was not measured; ratchet run measures it",),
    ),
    "not measured, with a limit beside the champion alone": lambda bench: bench.case(
        bench.changed(costs={}),
        bench.policy(costs={"latency_p95_ms": CostLimit(vs_champion=1.25)}),
        verdict="hold",
        failed=[NAME],
        said=("latency_p95_ms was not measured; ratchet run measures it",),
    ),
    "nothing serves to compare with": lambda bench: bench.case(
        costing(bench, reference=None, ratio=None, ratio_high=None).model_copy(
            update={"reference": "baseline", "champion": None}
        ),
        said=("latency_p95_ms is 10, and nothing serves to compare it with; \n",),
    ),
    "too slow while nothing serves": lambda bench: bench.case(
        costing(bench, challenger=60.0).model_copy(update={"reference": "baseline", "champion": None}),
        verdict="reject",
        failed=[NAME],
    ),
    "no absolute limit": lambda bench: bench.case(
        costing(bench, challenger=1000.0),
        bench.policy(costs={"latency_p95_ms": CostLimit(vs_champion=1.25)}),
        found={NAME: {"threshold": None}},
    ),
    "no limit beside the champion": lambda bench: bench.case(
        costing(bench, ratio=9.0, ratio_high=9.0), bench.policy(costs={"latency_p95_ms": CostLimit(max=50.0)})
    ),
    "in the order of names, whatever the file's": lambda bench: bench.case(
        bench.changed(costs={}),
        bench.policy(costs={"model_mb": CostLimit(max=1.0), "latency_p50_ms": CostLimit(max=1.0)}),
        verdict="hold",
        failed=["cost:latency_p50_ms", "cost:model_mb"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_costs(name: str, bench: Bench) -> None:
    """A cost decides as its case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)
