"""A policy that asks for everything is answered from one run of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ratchet.core.decision import Decision
from ratchet.io.files import write_text

ASKED = """
gate:
  metric: cost_1_2
  floors: {recall_at_30: {min: 0.01}}
  guardrails: {brier: {max_drop: 0.5}}
  slices: {by: [kind, place], min_rows: 5}
  fairness:
    place:
      demographic_parity_difference: {max: 1.0}
      loss_gap: {max: 5.0}
  costs: {model_mb: {max: 100}, latency_p95_ms: {max: 60000}}
  conditions:
    high: 'gain.brier[place = "high"] > -0.9'
    wrong: 'gain.brier[place = 3] > -0.9'
    small: 'challenger.latency_p50_ms < 60000 and challenger.model_mb < 100'
"""


def test_everything_that_a_policy_names_is_measured_and_judged(
    make_project: Callable[[Path, list[int]], Path], run_pipeline: Callable[..., None], tmp_path: Path
) -> None:
    """Raw columns, features, families of metrics, gaps, times and conditions; a mistake fails, and nothing raises."""
    root = make_project(tmp_path, [1, 2, 3])
    params = (root / "params.yaml").read_text(encoding="utf-8").replace("gate: {metric: log_loss}\n", ASKED)
    write_text(root / "params.yaml", params)
    run_pipeline(root)
    decision = Decision.model_validate_json((root / "data/decision.json").read_bytes())
    evidence, found = decision.evidence, {each.name: each for each in decision.conditions}
    assert evidence.metric == "cost_1_2"
    assert evidence.estimate("recall_at_30") is not None
    assert evidence.slices is not None
    assert set(evidence.slices.tested) == {"kind", "place"}
    assert {(each.column, each.gap) for each in evidence.gaps} == {
        ("place", "demographic_parity_difference"),
        ("place", "loss_gap"),
    }
    assert set(evidence.costs) == {"latency_p50_ms", "latency_p95_ms", "model_mb"}
    assert set(evidence.parts) == {'gain.brier[place = "high"]'}
    passed = {"own:high", "own:small", "cost:latency_p95_ms", "cost:model_mb", "guardrail:brier", "slices"}
    assert {name for name in passed if not found[name].passed} == set()
    assert not found["own:wrong"].passed
    assert "was not measured" in found["own:wrong"].sentence
    assert "below" in found["better"].sentence
