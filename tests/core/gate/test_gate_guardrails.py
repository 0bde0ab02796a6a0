"""Guardrails: the lower bound of a metric's gain is at least what may be lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ratchet.core import gate
from ratchet.core.gate_params import Guardrail

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench, Case

CASES: Mapping[str, Callable[[Bench], Case]] = {
    "kept, by the bound at its own level": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(0.0)),
        found={
            "guardrail:accuracy": {
                "estimate": 0.0,
                "low": -0.0090623,
                "high": 0.0090623,
                "threshold": -0.01,
                "rows": 1100,
                "clusters": 11,
            }
        },
        said=(
            "accuracy: gain 0, 90% interval -0.009062 to 0.009062; required: not worse than the champion by more "
            "than 0.01; \n",
        ),
    ),
    "neither kept nor broken": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(-0.005)),
        verdict="hold",
        failed=["guardrail:accuracy"],
        said=("a model that keeps accuracy, or more rows that show it",),
    ),
    "shown to be broken": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(-0.03)), verdict="reject", failed=["guardrail:accuracy"]
    ),
    "lost exactly what may be lost": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(-0.01, 0.0))
    ),
    "one cluster shows nothing": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(0.1, None, clusters=1)),
        verdict="hold",
        failed=["guardrail:accuracy"],
    ),
    "gain not measured": lambda bench: bench.case(
        bench.metric("accuracy", gain=None),
        verdict="hold",
        failed=["guardrail:accuracy"],
        said=("accuracy was not compared, or is undefined; mend gate.guardrails in params.yaml",),
    ),
    "gain undefined": lambda bench: bench.case(
        bench.metric("accuracy", gain=bench.estimate(None, None)),
        verdict="hold",
        failed=["guardrail:accuracy"],
        said=("accuracy was not compared, or is undefined",),
    ),
    "a metric of another task": lambda bench: bench.case(
        policy=bench.policy(guardrails={"rmse": Guardrail(max_drop=0.1)}),
        verdict="hold",
        failed=["guardrail:rmse"],
        said=("rmse is no metric of a binary model; known are log_loss, roc_auc, ",),
    ),
    "in the order of their names, whatever the file's": lambda bench: bench.case(
        bench.metric("brier", gain=None).model_copy(
            update={"metrics": tuple(r.model_copy(update={"gain": None}) for r in bench.evidence.metrics)}
        ),
        bench.policy(guardrails={"roc_auc": Guardrail(max_drop=0.1), "brier": Guardrail(max_drop=0.1)}, conditions={}),
        verdict="hold",
        failed=["guardrail:brier", "guardrail:roc_auc"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_guardrails(name: str, bench: Bench) -> None:
    """A guardrail decides as its case says, with the numbers and words that are there."""
    CASES[name](bench).check(gate)
