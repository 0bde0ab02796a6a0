"""The decision as a whole: closed to what is missing, monotone in its levels, and made again from its own file."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.alpha_level import Level
from ratchet.core.decision import Decision, Evidence, Look
from ratchet.core.gate import CHECKS, decide
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import Bounds, Gate, Guardrail, Reuse

if TYPE_CHECKING:
    from tests.core.gate.conftest import Bench

NAMES = [
    "untouched", "leakage", "different", "reference", "measured", "floor:brier", "floor:roc_auc", "guardrail:accuracy",
    "slices", "fairness:group:loss_gap", "cost:latency_p95_ms", "cost:model_mb", "own:ranking", "enough_clusters",
    "better",
]  # fmt: skip
FINDINGS = {"contaminated", "telling", "shown", "disorder", "champion", "champion_entry", "no_comparison", "problem"}
"""Where less is said on purpose: nothing was found, nothing serves, rows have no time."""


def test_all_conditions_in_their_order(bench: Bench) -> None:
    """With a policy that asks for everything each condition is there once, in the order of reports."""
    decision = decide(bench.evidence, bench.full)
    assert ("promote", NAMES) == (decision.verdict, [each.name for each in decision.conditions])
    assert (None, "") == (decision.missing, decision.would_change)


def test_without_any_limit_what_always_holds_is_asked(bench: Bench) -> None:
    """A policy that names nothing but a metric still asks for all that has no limit of its own."""
    always = [name for name in NAMES if ":" not in name and name != "slices"]
    assert always == [each.name for each in decide(bench.evidence, bench.plain()).conditions]


@given(st.randoms(use_true_random=False))
def test_the_order_of_checks_decides_nothing(bench: Bench, order: random.Random) -> None:
    """In any order the verdict, the failed conditions and the missing rows are the same."""
    checks = list(CHECKS)
    order.shuffle(checks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["ratchet.core.gate.decide"], "CHECKS", tuple(checks))
        for evidence in (bench.evidence, bench.without("ece"), bench.changed(contaminated=("2013-07",), gaps=())):
            found = decide(evidence, bench.full)
            patch.undo()
            usual = decide(evidence, bench.full)
            patch.setattr(sys.modules["ratchet.core.gate.decide"], "CHECKS", tuple(checks))
            assert (found.verdict, found.missing) == (usual.verdict, usual.missing)
            assert {each.name: each for each in found.conditions} == {each.name: each for each in usual.conditions}


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every piece of a record's JSON by its path, but for findings of which fewer are better."""
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        if name not in FINDINGS:
            yield (*path, name)
            yield from places(part, (*path, name))


def less(tree: Any, path: Sequence[str | int], *, undefined: bool) -> Any:
    """The tree with a piece taken away, or made undefined."""
    above = tree
    for step in path[:-1]:
        above = above[step]
    if undefined:
        above[path[-1]] = None
    else:
        del above[path[-1]]
    return tree


FAULTY: Mapping[str, Mapping[str, Any]] = {
    "not better": {"comparison": {"p_better": 0.4, "p_worse": 0.6}},
    "worse in a slice": {"slices": {"gains": {1: {"p_worse": 0.0001, "gain": {"value": -0.3}}}}},
    "a gap": {"gaps": {0: {"challenger": {"value": 0.3}}}},
    "slow": {"costs": {"latency_p95_ms": {"challenger": 80.0, "ratio": 3.0, "ratio_high": 4.0}}},
    "five clusters": {"comparison": {"clusters": 5}},
    "leaking": {"leakage": {"exact": {"rows": 200}}},
    "the champion itself": {"challenger_is_champion": True},
    "the baseline, while a version serves": {"reference": "baseline"},
    "contaminated": {"contaminated": ["2013-07"]},
    "a floor, a guardrail and a condition": {"metrics": {1: {"gain": {"value": -0.5}}, 3: {"gain": {"value": -0.5}}}},
}


def merged(tree: Any, change: Mapping[Any, Any]) -> Any:
    """The tree with some values replaced."""
    for name, value in change.items():
        tree[name] = merged(tree[name], value) if isinstance(value, Mapping) else value
    return tree


@pytest.mark.parametrize("fault", FAULTY)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_less_evidence_never_promotes(bench: Bench, fault: str, data: st.DataObject) -> None:
    """Take any pieces of evidence away, or make them undefined: what was not promoted is not promoted then."""
    tree = merged(json.loads(bench.evidence.model_dump_json()), FAULTY[fault])
    assert "promote" != decide(Evidence.model_validate_json(json.dumps(tree)), bench.full).verdict
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(tree))))
        tree = less(tree, path, undefined=data.draw(st.booleans()))
    try:
        evidence = Evidence.model_validate_json(json.dumps(tree))
    except ValueError:
        return  # a record without what it must hold is none
    assert "promote" != decide(evidence, bench.full).verdict


@given(alpha=st.floats(0.01, 0.25), more=st.floats(0, 0.25), p_better=st.floats(0, 0.5), value=st.floats(0.58, 0.64))
def test_more_risk_holds_back_no_challenger(
    bench: Bench, alpha: float, more: float, p_better: float, value: float
) -> None:
    """What is promoted at a level is promoted at a larger one."""
    evidence = bench.metric("roc_auc", challenger=bench.estimate(value)).model_copy(
        update={"comparison": bench.compared(p_better=p_better, p_worse=1 - p_better)}
    )
    low, high = (decide(evidence, bench.policy(alpha=level)).verdict for level in (alpha, alpha + more))
    assert low != "promote" or high == "promote"


@given(drop=st.floats(0, 0.05), more=st.floats(0, 0.05), floor=st.floats(0.5, 0.9), gain=st.floats(-0.05, 0.05))
def test_wider_limits_hold_back_no_challenger(
    bench: Bench, drop: float, more: float, floor: float, gain: float
) -> None:
    """What is promoted within limits is promoted within wider ones."""

    def verdict(drop: float, floor: float) -> str:
        limits = {"floors": {"roc_auc": Bounds(min=floor)}, "guardrails": {"accuracy": Guardrail(max_drop=drop)}}
        return decide(bench.metric("accuracy", gain=bench.estimate(gain)), bench.policy(**limits)).verdict

    assert verdict(drop, floor) != "promote" or verdict(drop + more, floor - more) == "promote"


@given(gain=st.floats(-0.05, 0.05), margin=st.floats(0.001, 0.05), more=st.floats(0, 0.05))
def test_a_wider_margin_holds_back_no_challenger(bench: Bench, gain: float, margin: float, more: float) -> None:
    """What is shown to be no worse by a margin is shown to be no worse by a larger one."""

    def verdict(margin: float) -> str:
        p_better = 0.5 * math.erfc((gain + margin) / 0.005 / math.sqrt(2))
        comparison = bench.compared(gain=gain, p_better=p_better, p_worse=1 - p_better, margin=margin)
        return decide(bench.changed(comparison=comparison), bench.policy(margin=margin)).verdict

    assert verdict(margin) != "promote" or verdict(margin + more) == "promote"


@settings(max_examples=60, deadline=None)
@given(
    p_better=st.floats(0, 1),
    accuracy=st.none() | st.floats(0, 1),
    clusters=st.integers(1, 40),
    contaminated=st.lists(st.sampled_from(["a", "b"]), max_size=2),
    ratio=st.floats(),
)
def test_decision_replays_from_its_file(
    bench: Bench, p_better: float, accuracy: float | None, clusters: int, contaminated: list[str], ratio: float
) -> None:
    """A decision reads back equal from JSON with sorted keys, and deciding again gives it once more, bit for bit."""
    usual = bench.evidence.costs["latency_p95_ms"]
    cost = type(usual)(challenger=1.0, reference=1.0, ratio=ratio, ratio_high=ratio)
    found = bench.estimate(accuracy, 0.01 if accuracy is not None else None)
    evidence = bench.metric("accuracy", challenger=found).model_copy(
        update={
            "comparison": bench.compared(p_better=p_better, p_worse=1 - p_better, clusters=clusters),
            "contaminated": tuple(contaminated),
            "costs": {**bench.evidence.costs, "latency_p95_ms": cost},
        }
    )
    decision = decide(evidence, bench.full)
    text = json.dumps(decision.model_dump(mode="json"), sort_keys=True, allow_nan=False)
    read = Decision.model_validate_json(text)
    assert [*read.policy.floors] != [*bench.full.floors]
    again = decide(read.evidence, read.policy)
    assert decision == read == again
    assert text == json.dumps(again.model_dump(mode="json"), sort_keys=True)


def test_a_sealed_decision_replays(bench: Bench) -> None:
    """The look is part of the evidence: what it may risk is not asked anew."""
    policy: Gate = bench.policy(reuse=Reuse(policy="ledger"))
    made = {
        "challenger": "c", "champion": "d", "champion_entry": "e", "code": "f", "holdout": {"2013-07": "0"},
        "trained_on": {}, "seed": 0, "libraries": {},
    }  # fmt: skip
    evidence = Evidence.model_validate(bench.evidence.model_dump() | {"provenance": made})
    question = question_of(evidence, policy)
    assert question is not None
    level = Level(
        alpha=0.002, run=2, promotions=0, unknown=0, fresh=False, cached=False, answer=None, runs_left=3, exhausted=""
    )
    decision = decide(evidence.model_copy(update={"look": Look(question=question, level=level)}), policy)
    read = Decision.model_validate_json(json.dumps(decision.model_dump(mode="json"), sort_keys=True))
    assert "promote" == decision.verdict
    assert decision == decide(read.evidence, read.policy)
