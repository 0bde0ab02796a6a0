"""Past decisions under another policy: what follows from the record is exact, and what does not is not told."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.alpha_level import Level
from ratchet.core.comparison import compare
from ratchet.core.decision import CHALLENGER, CHAMPION, Decision, Evidence, Look, Provenance
from ratchet.core.evaluation import evaluate
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.slices import slice_check
from ratchet.core.gate import decide
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import CostLimit, GapLimit, Reuse, Slices
from ratchet.core.leakage.records import LeakageCheck, Shared
from ratchet.core.metrics import row_losses
from ratchet.core.params import Bounds, Gate
from ratchet.core.past_rules import Judgement, cells, section, summary
from ratchet.core.seal import public, seal_of
from ratchet.core.untold import SEALED
from ratchet.core.what_if import what_if

ROWS, DAYS = 1200, 12
RANDOM = np.random.default_rng(3)
TARGET = RANDOM.normal(size=ROWS)
DAY = np.repeat(np.arange(DAYS), ROWS // DAYS)
GROUP = np.where(np.arange(ROWS) % 3 == 0, "a", "b")
BEFORE = TARGET[:, None] + 0.60 * RANDOM.normal(size=(ROWS, 1))
AFTER = TARGET[:, None] + 0.59 * RANDOM.normal(size=(ROWS, 1)) + 0.2 * (GROUP == "a")[:, None]
POLICY = Gate(metric="squared_error", slices=Slices(by=("group",), min_rows=50))
CLEAN = LeakageCheck(
    rows=ROWS, training_rows=9000, exact=Shared(rows=0, expected=1.0), near=Shared(rows=0, expected=1.0, but="x"),
    keys=Shared(rows=0, expected=0.0), disorder=None, telling=(),
)  # fmt: skip
MADE = Provenance(
    challenger="c" * 64, champion="d" * 64, champion_entry="e" * 64, code="", holdout={"2013-07": "h"},
    trained_on={"2013-06": "t"}, seed=0, libraries={},
)  # fmt: skip


@cache
def _metrics(alpha: float) -> tuple[Any, ...]:
    models = {CHAMPION: BEFORE, CHALLENGER: AFTER}
    return tuple(evaluate("regression", TARGET, models, clusters=DAY, pair=(CHAMPION, CHALLENGER), alpha=alpha))


def measured(policy: Gate, **known: Any) -> Evidence:
    """The evidence as `evaluate` writes it under `policy`."""
    losses = [row_losses("squared_error", TARGET, scores) for scores in (BEFORE, AFTER)]
    rows = JudgedRows(
        task="regression", target=TARGET, scores={CHAMPION: BEFORE, CHALLENGER: AFTER}, clusters=DAY,
        table=pd.DataFrame({"group": GROUP}),
    )  # fmt: skip
    facts: dict[str, Any] = {
        "task": "regression", "metric": "squared_error", "reference": "champion", "champion": 3,
        "challenger_is_champion": False,
        "comparison": compare(losses[0], losses[1], DAY, alpha=policy.alpha, margin=policy.margin),
        "metrics": _metrics(policy.alpha), "holdout": ("2013-07",), "contaminated": (), "leakage": CLEAN,
        "leakage_open": CLEAN, "slices": slice_check(rows, policy, Pair(CHAMPION, CHALLENGER)), "provenance": MADE,
    }  # fmt: skip
    return Evidence(**{**facts, **known})


def decided(policy: Gate = POLICY, **known: Any) -> Decision:
    return decide(measured(policy, **known), policy)


def changed(**sections: Any) -> Gate:
    return Gate.model_validate({**POLICY.model_dump(), **sections})


POLICIES = st.builds(
    changed,
    alpha=st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.25, 0.5]),
    margin=st.sampled_from([0.0, 0.01, 0.05, 0.2]),
    min_clusters=st.sampled_from([2, 7, 13]),
    floors=st.sampled_from([{}, {"r2": {"min": 0.6}}, {"r2": {"min": 0.99}}]),
    guardrails=st.sampled_from([{}, {"absolute_error": {"max_drop": 0.02}}, {"absolute_error": {"max_drop": 0.0}}]),
    slices=st.sampled_from([
        {"by": ()}, {"by": ("group",), "min_rows": 50}, {"by": ("group",), "min_rows": 500, "alpha": 0.2},
    ]),
)  # fmt: skip


@given(POLICIES, POLICIES)
@settings(max_examples=60, deadline=None)
def test_another_policy_gives_what_an_evaluation_under_it_gives(before: Gate, after: Gate) -> None:
    """From the record of one policy the verdict of another is the one that is decided where it was in force."""
    recorded, there = decided(before), decided(after)
    found = what_if(recorded, after)
    if found.untold:
        assert [each for each in found.untold if "slices" not in each] == []
        assert after.slices.min_rows < before.slices.min_rows or not before.slices.by
        return
    assert found.verdict == there.verdict
    deciding = [each for each in there.conditions if not each.passed] or there.conditions[-1:]
    assert {each.name for each in found.decided_by} <= {each.name for each in deciding}


@given(POLICIES, POLICIES)
@settings(max_examples=30, deadline=None)
def test_numbers_of_the_comparison_are_those_of_comparing_again(before: Gate, after: Gate) -> None:
    """Bounds and p values at another level and margin are those that comparing the rows gives."""
    found = next((each for each in what_if(decided(before), after).decided_by if each.name == "better"), None)
    again = next(each for each in decided(after).conditions if each.name == "better")
    if found is not None and before != after:
        assert (found.low, found.high, found.threshold) == pytest.approx((again.low, again.high, again.threshold))
        flips = re.compile(", by flips of whole clusters [^;]+")  # of the rows themselves: told at one margin only
        assert flips.sub("", found.sentence) == flips.sub("", again.sentence)


def test_the_same_policy_gives_the_recorded_verdict() -> None:
    """Nothing flips where nothing is changed."""
    recorded = decided()
    assert (what_if(recorded, POLICY).verdict, what_if(recorded, POLICY).flips(recorded.verdict)) == (
        recorded.verdict,
        False,
    )


UNMEASURED = {
    "by group, origin": changed(slices={"by": ("group", "origin"), "min_rows": 50}),
    "compared absolute_error": changed(metric="absolute_error"),
    "latency_p95_ms": changed(costs={"latency_p95_ms": CostLimit(max=5.0)}),
    "loss_gap by group": changed(fairness={"group": {"loss_gap": GapLimit(max=0.1)}}),
    'r2[group = "a"]': changed(conditions={"mine": 'challenger.r2[group = "a"] > 0.1'}),
    "pinball_90": changed(floors={"pinball_90": Bounds(max=9.0)}),
    "which look": changed(reuse=Reuse(policy="ledger")),
}


@pytest.mark.parametrize("words", UNMEASURED)
def test_what_nobody_measured_is_not_told(words: str) -> None:
    """A verdict that rests on a number that is not in the record is left open, and what is missing is named."""
    easy = changed(slices={"by": ()}, alpha=0.5, margin=0.5)
    policy = UNMEASURED[words].model_copy(update={"alpha": 0.5, "margin": 0.5})
    if not policy.slices.by or policy.slices.by == ("group",):
        policy = policy.model_copy(update={"slices": Slices()})
    assert decided(easy).verdict == "promote"
    found = what_if(decided(easy), policy)
    assert (found.verdict, found.flips("promote"), found.decided_by) == (None, None, ())
    assert words in "; ".join(found.untold)


def test_what_is_known_to_fail_decides_whatever_is_not_known() -> None:
    """A floor that is shown to be broken rejects, though nobody measured what else is asked."""
    policy = changed(floors={"r2": Bounds(min=0.99)}, costs={"model_mb": CostLimit(max=1.0)})
    found = what_if(decided(), policy)
    assert found.verdict == "reject"
    assert "floor:r2" in [each.name for each in found.decided_by]
    assert what_if(decided(), changed(min_clusters=13, slices={"by": ()}, costs={"model_mb": CostLimit(max=1.0)})
                   ).verdict == "hold or reject"  # fmt: skip


def sealed() -> tuple[Decision, Decision]:
    """A sealed decision, and the same in full."""
    policy = changed(reuse=Reuse(policy="ledger"), alpha=0.5, margin=0.5, slices={"by": ()})
    evidence = measured(policy)
    question = question_of(evidence, policy)
    assert question is not None
    level = Level(
        alpha=0.5, run=1, promotions=0, unknown=0, fresh=True, cached=False, answer=None, runs_left=20, exhausted=""
    )
    whole = decide(evidence.model_copy(update={"look": Look(question=question, level=level)}), policy)
    return public(whole, seal_of(whole.evidence, ("1" * 64, "2" * 64))), whole


def test_sealed_rows_answer_no_other_policy() -> None:
    """While rows are sealed no other policy is told their verdict; of the decision in full each is."""
    told, whole = sealed()
    other = told.policy.model_copy(update={"alpha": 0.4})
    assert (what_if(told, other).verdict, what_if(told, other).untold) == (None, (SEALED,))
    assert (whole.verdict, what_if(whole, other).verdict) == ("promote", "promote")
    strict = told.policy.model_copy(update={"alpha": 1e-9, "margin": 0.0})
    assert what_if(whole, strict).flips(whole.verdict) is True


def test_a_condition_without_sealed_labels_is_told() -> None:
    """A contaminated holdout refuses under any policy, sealed or not."""
    told, _ = sealed()
    dirty = told.model_copy(update={"evidence": told.evidence.model_copy(update={"contaminated": ("2013-07",)})})
    found = what_if(dirty, told.policy.model_copy(update={"alpha": 0.4}))
    assert (found.verdict, [each.name for each in found.decided_by]) == ("reject", ["untouched"])


def judgement(policy: Gate, recorded: Decision) -> Judgement:
    return Judgement(
        decision="run 7", time="2013-08-01T09:00:00+00:00", holdout=("2013-07",), recorded=recorded.verdict,
        what_if=what_if(recorded, policy),
    )  # fmt: skip


def test_a_line_says_what_flips_and_by_which_condition() -> None:
    """Decision, day, rows, both verdicts and what decides stand in a line; flips are marked and counted."""
    easy = changed(slices={"by": ()}, alpha=0.5, margin=0.5)
    flips = judgement(easy.model_copy(update={"floors": {"r2": Bounds(min=0.99)}}), decided(easy))
    open_ = judgement(easy.model_copy(update={"metric": "absolute_error"}), decided(easy))
    assert cells(flips) == ("run 7", "2013-08-01", "2013-07", "promote", "FLIPS: reject", "floor:r2")
    assert cells(open_)[4:] == (
        "cannot be told",
        "cannot be told: squared_error was compared, and nobody compared absolute_error",
    )
    assert summary([flips, open_]) == "1 of 2 past decisions would let another model serve; 1 cannot be told."
    shown = section([flips, open_])
    assert ([len(each.rows) for each in shown.tables], shown.note) == ([2], summary([flips, open_]))


def test_a_decision_that_cannot_be_read_is_a_line_too() -> None:
    """A decision of another format stands in the table with the reason."""
    older = Judgement(decision="run 1", time="", holdout=(), recorded="hold", what_if=None, unread="of an older format")
    assert (older.verdict, older.flips, cells(older)[5]) == ("cannot be told", None, "of an older format")
