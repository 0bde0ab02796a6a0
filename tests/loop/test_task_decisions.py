"""The gate on classes and on numbers, end to end: a worse model is refused, a better one promoted.

Each policy has a guardrail, slices and a condition of its own beside the metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.loop.conftest import ROOT, Sandbox, build

from ratchet.core.decision import Decision

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
CROPS = ROOT / "tests" / "projects" / "crops"
LONE_TREE = {"estimator": "random_forest", "params": {"n_estimators": 1, "n_jobs": 1}}
"""It is sure of each answer, and often wrong."""


def judged(sandbox: Sandbox) -> Decision:
    sandbox.ok("run")
    return Decision.model_validate_json((sandbox.root / "data" / "decision.json").read_bytes())


def by_name(decision: Decision) -> dict[str, bool]:
    return {each.name: each.passed for each in decision.conditions}


def test_a_model_of_three_classes(tmp_path: Path) -> None:
    """A single tree loses to the constant prediction, with harm; a regression passes all that is asked for."""
    sandbox = Sandbox(tmp_path / "crops")
    build(sandbox, CROPS / "src" / "crops", CROPS / "params.yaml")
    sandbox.ok("data", "pull")
    sandbox.set_params(model=LONE_TREE)
    refused = judged(sandbox)
    found = by_name(refused)
    assert (refused.verdict, found["better"], found["slices"], found["own:south"]) == ("reject", False, False, False)
    sandbox.set_params(model={"estimator": "logistic_regression", "params": {}})
    promoted = judged(sandbox)
    asked = {"guardrail:accuracy", "slices", "own:south", "better"}
    assert (promoted.verdict, asked - set(by_name(promoted))) == ("promote", set()), promoted.reason


def test_a_model_of_a_number(pulled: Sandbox) -> None:
    """A shrunken champion is beaten by the regression as it should be, and a more shrunken one is refused."""
    pulled.set_params(
        model={"params": {"alpha": 1000.0}},
        gate={
            "floors": {},
            "guardrails": {"absolute_error": {"max_drop": 1.0}},
            "slices": {"by": ["sex"], "min_rows": 30},
            "conditions": {"women": 'gain.squared_error[sex = "1"] > -200'},
        },
    )
    first = judged(pulled)
    assert first.verdict == "promote", first.reason
    pulled.commit("A shrunken model")
    pulled.ok("record")
    pulled.ok("promote")
    pulled.set_params(model={"params": {"alpha": 30000.0}})
    refused = judged(pulled)
    found = by_name(refused)
    assert (refused.evidence.reference, refused.verdict) == ("champion", "reject")
    assert (found["better"], found["guardrail:absolute_error"], found["slices"], found["own:women"]) == (False,) * 4
    pulled.set_params(model={"params": {"alpha": 10.0}})
    promoted = judged(pulled)
    asked = {"guardrail:absolute_error", "slices", "own:women", "better"}
    assert (promoted.verdict, asked - set(by_name(promoted))) == ("promote", set()), promoted.reason
