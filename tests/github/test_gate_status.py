"""The status of a commit: the verdict and what decided it, in 140 characters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.change.records import ParamChange
from ratchet.core.decision import Condition, Decision, Evidence
from ratchet.core.findings import Comparison
from ratchet.core.gate_status import LONGEST, of_decision
from ratchet.core.params import Gate
from ratchet.flows.post import Request, post

if TYPE_CHECKING:
    from tests.github.conftest import Bench

Decide = Callable[..., Decision]
ALPHA = (ParamChange(key="gate.alpha", old="0.1", new="0.2", line=3),)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "promote: log_loss: gain +0.0500, p 0.001 < 0.1 (better)"),
        ({"comparison": {"p_better": 0.4}}, "hold: log_loss: gain +0.0500, p 0.4, not below 0.1 (better)"),
        ({"comparison": {"p_better": 0.09996}}, "promote: log_loss: gain +0.0500, p 0.09996 < 0.1 (better)"),
        (
            {"comparison": {"gain": -0.05, "p_better": 0.999, "p_worse": 0.001}},
            "reject: log_loss: gain -0.0500, shown to be worse, p 0.001 < 0.1",
        ),
        (
            {"comparison": {"margin": 0.005, "gain": 0.0061, "p_better": 0.007}, "policy": {"margin": 0.005}},
            "promote: log_loss: gain +0.0061, p 0.007 < 0.1 (not worse by 0.005)",
        ),
        ({"contaminated": ("2013-07",)}, "reject: a model was trained on the batches that judge: 2013-07"),
    ],
)
def test_the_status_says_what_decided(decided: Decide, changed: dict[str, Any], words: str) -> None:
    """The gain with its p and what was required; where something else decided, the gate's reason."""
    assert of_decision(decided(**changed)).description == words


@pytest.mark.parametrize("changed", [{}, {"contaminated": ("2013-07",) * 40}, {"challenger_is_champion": True}])
def test_who_edits_the_rules_is_named_in_the_status(decided: Decide, changed: dict[str, Any]) -> None:
    """Whatever the verdict and however long its reason, that is not cut off; the state stays."""
    plain, told = of_decision(decided(**changed)), of_decision(decided(**changed), ALPHA)
    assert told.state == plain.state
    assert told.description.endswith("; edits how it is judged: gate.alpha 0.1 → 0.2")
    assert of_decision(decided(**changed), [ALPHA[0].model_copy(update={"key": "model.seed"})]) == plain


def test_the_report_says_what_the_status_names(bench: Bench, decided: Decide) -> None:
    """The parameters are those of the report on the change; a report that cannot be read names none."""
    bench.report(decided())
    change = bench.root / "reports" / "change.json"
    said = []
    for text in (json.dumps({"params": [each.model_dump() for each in ALPHA]}), '{"params": 1}', "{"):
        change.write_text(text, encoding="utf-8")
        post(bench.settings(), Request())
        said.append(bench.gate(bench.head)[1])
    assert said == [of_decision(decided(), ALPHA).description, *[of_decision(decided()).description] * 2]


NUMBER = st.floats(-1e300, 1e300)
TEXT = st.text(max_size=300)
EDITS = st.lists(st.builds(ParamChange, key=TEXT.map("gate.{}".format), old=TEXT, new=TEXT, line=st.none()))


@given(TEXT, NUMBER, NUMBER, st.sampled_from(["promote", "hold", "reject"]), EDITS)
def test_a_status_always_fits(reason: str, gain: float, p: float, verdict: Any, edits: list[ParamChange]) -> None:
    """GitHub takes 140 characters on one line, whatever is in the decision and the change."""
    compared = Comparison(
        gain=gain, low=None, high=None, standard_error=None, p_better=p, p_worse=p, sign_flip=None, rows=1, clusters=1,
        assumed_independent=False, design_effect=None, sd=0.0, lag1=None, alpha=0.1, margin=0.0,
    )  # fmt: skip
    evidence = Evidence(
        task="binary", metric=reason, reference="champion", champion=1, challenger_is_champion=False,
        comparison=compared, metrics=(), holdout=(), contaminated=(),
    )  # fmt: skip
    condition = Condition(name="better", passed=verdict == "promote", sentence=reason, estimate=gain)
    decision = Decision(
        verdict=verdict, reason=reason, would_change="", missing=None, conditions=(condition,),
        policy=Gate(metric="log_loss"), evidence=evidence,
    )  # fmt: skip
    found = of_decision(decision, edits).description
    assert (len(found) <= LONGEST, len(found.splitlines())) == (True, 1)
