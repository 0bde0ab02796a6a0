"""What a sealed decision says aloud: its one answer and what does not depend on the labels of the sealed rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ratchet.core.alpha_level import Level
from ratchet.core.decision import CHALLENGER, CHAMPION, Decision, Evidence, Look, Provenance
from ratchet.core.findings import Comparison, Cost, Estimate, GroupGap, MetricRow, SliceCheck, SliceGain
from ratchet.core.gate import decide
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import CostLimit, GapLimit, Gate, Reuse, Slices
from ratchet.core.leakage.records import LeakageCheck, Pair, Shared, Telling
from ratchet.core.metrics import metrics_for
from ratchet.core.seal import public, seal_of

POLICY = Gate(
    metric="log_loss",
    reuse=Reuse(policy="ledger"),
    slices=Slices(by=("site",), min_rows=50),
    fairness={"group": {"loss_gap": GapLimit(max=0.9)}},
    costs={"model_mb": CostLimit(max=100.0)},
    conditions={"ranking": "gain.roc_auc > -0.01"},
)
SECRET = iter(range(100_000, 10**6, 7))
"""Digits of numbers that nobody may tell: each number of the sealed rows has its own."""


def secret(size: float = 1.0) -> float:
    return size + next(SECRET) * 1e-9


def estimate(value: float, error: float = 0.001) -> Estimate:
    return Estimate(
        value=secret(value),
        low=secret(value - error),
        high=secret(value + error),
        standard_error=secret(error),
        rows=1100,
        clusters=11,
        assumed_independent=False,
    )


def leakage(auc: float, rows: int = 1100) -> LeakageCheck:
    shared = Shared(rows=0, expected=3.0)
    shown = (Pair(holdout=(("id", "77001"), ("label", "very-secret"))),) if auc > 0.9 else ()
    telling = (Telling(feature="hour", by="value", value=auc, rows=rows, shown=shown),)
    return LeakageCheck(
        rows=rows, training_rows=8000, exact=shared, near=shared, keys=shared, disorder=None, telling=telling
    )


def evidence(**known: Any) -> Evidence:
    """Of a challenger that passes everything, with a look that was charged."""
    compared = Comparison(
        gain=secret(0.02), low=secret(0.01), high=secret(0.03), standard_error=secret(0.005), p_better=secret(1e-4),
        p_worse=secret(0.9), sign_flip=secret(1e-4), rows=1100, clusters=11, assumed_independent=False,
        design_effect=secret(2.0), sd=secret(0.2), lag1=secret(0.1), alpha=0.1, margin=0.0,
    )  # fmt: skip
    metrics = tuple(
        MetricRow(
            name=metric.name,
            meaning=metric.meaning,
            direction=metric.direction,
            models={name: estimate(0.5) for name in (CHALLENGER, CHAMPION)},
            gain=estimate(0.02),
        )
        for metric in metrics_for("binary")
    )
    gains = tuple(SliceGain(column="site", value=each, gain=estimate(0.02), p_worse=secret(0.9)) for each in "AB")
    gap = GroupGap(
        column="group",
        gap="loss_gap",
        groups={"a": 600, "b": 500},
        challenger=estimate(0.02),
        reference=estimate(0.02),
        increase=estimate(0.0),
    )
    found = Evidence(
        task="binary",
        metric="log_loss",
        reference="champion",
        champion=3,
        challenger_is_champion=False,
        comparison=compared,
        metrics=metrics,
        slices=SliceCheck(min_rows=50, tested={"site": 2}, too_small=0, gains=gains),
        gaps=(gap,),
        costs={"model_mb": Cost(challenger=2.5, reference=2.0)},
        parts={"gain.roc_auc": estimate(0.01)},
        holdout=("2013-07",),
        contaminated=(),
        leakage=leakage(0.7 + secret(0)),
        leakage_open=leakage(0.612, rows=500),
        provenance=Provenance(
            challenger="c",
            champion="d",
            champion_entry="e",
            code="f",
            holdout={"2013-07": "0"},
            trained_on={},
            seed=0,
            libraries={},
        ),
    ).model_copy(update=known)
    return found.model_copy(update={"look": look(found)})


def look(found: Evidence) -> Look:
    question = question_of(found, POLICY)
    assert question is not None
    level = Level(
        alpha=0.0125, run=2, promotions=0, unknown=0, fresh=False, cached=False, answer=None, runs_left=18, exhausted=""
    )
    return Look(question=question, level=level)


def numbers(value: object) -> Iterator[float]:
    """Every number with a fraction, wherever it stands in a JSON value, in texts too."""
    if isinstance(value, float) and not value.is_integer():
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from numbers(child)


def told(found: Evidence) -> tuple[Decision, Decision]:
    """The decision in full, and as it is told."""
    full = decide(found, POLICY)
    return full, public(full, seal_of(found, ("1" * 64, "2" * 64)))


def test_a_promotion_is_told_without_a_number_of_the_sealed_rows() -> None:
    """None of the numbers that were measured with sealed labels is there, not even rounded in a sentence."""
    full, shown = told(evidence())
    assert (full.verdict, shown.verdict) == ("promote", "promote")
    kept = set(numbers(full.model_dump(mode="json"))) - set(numbers(shown.model_dump(mode="json")))
    assert len(kept) > 100
    text = json.dumps(shown.model_dump(mode="json"))
    said = {float(each) for each in re.findall(r"\d*\.\d+", text)}
    assert {each for each in kept if {round(each, digits) for digits in (4, 5, 6, 9)} & said} == set()


def test_what_may_be_told_is_told() -> None:
    """The level and the budget, the costs, what the open rows share with training, and digests of what is kept back."""
    found = evidence()
    _, shown = told(found)
    assert [each.name for each in shown.conditions] == [
        "untouched",
        "leakage",
        "different",
        "reference",
        "charged",
        "cost:model_mb",
        "sealed",
    ]
    assert shown.evidence.leakage == found.leakage_open
    assert shown.evidence.look == found.look
    assert shown.evidence.costs == found.costs
    assert shown.seal is not None
    assert (shown.seal.batches, shown.seal.rows, shown.seal.clusters) == (("2013-07",), 1100, 11)
    assert (shown.seal.evidence, shown.seal.decision) == ("1" * 64, "2" * 64)


@pytest.mark.parametrize(
    "worse",
    [
        {"comparison": None, "no_comparison": "very-secret"},
        {"metrics": ()},
        {"leakage": leakage(0.99999)},
        {"slices": None},
        {"gaps": ()},
    ],
    ids=["nothing compared", "nothing measured", "a leak", "no slices", "no gaps"],
)
def test_hold_and_reject_are_told_alike(worse: dict[str, Any]) -> None:
    """Whatever the sealed rows refuse a challenger for, the same is said: the answers differ in nothing but digests."""
    full, shown = told(evidence(**worse))
    assert full.verdict in ("hold", "reject")
    assert shown.verdict == "hold"
    assert shown.reason.startswith("not all that the policy asks for is shown on the")
    assert shown.reason.endswith("sealed rows of 2013-07")
    assert [each.name for each in shown.conditions if not each.passed] == ["sealed"]
    text = shown.model_dump_json()
    assert "very-secret" not in text
    assert "77001" not in text


def test_what_is_known_without_the_sealed_rows_is_the_reason() -> None:
    """A leak among the open rows is told by name and rows, and the sealed rows are said not to have been asked."""
    full, shown = told(evidence(leakage_open=leakage(0.99999, rows=500)))
    assert full.verdict == "reject"
    assert shown.verdict == "hold"
    assert "the feature hour alone tells the label" in shown.reason
    assert "were not asked" in shown.conditions[-1].sentence
    assert shown.evidence.leakage is not None
    assert shown.evidence.leakage.telling[0].shown


def test_without_a_level_nothing_is_promoted() -> None:
    """A look that nobody charged, or one that was charged for another model, shows nothing."""
    found = evidence()
    assert found.provenance is not None
    other = found.provenance.model_copy(update={"challenger": "another"})
    for bare in (found.model_copy(update={"look": None}), found.model_copy(update={"provenance": other})):
        full, shown = told(bare)
        assert (full.verdict, shown.verdict) == ("hold", "hold")
        assert [each.name for each in shown.conditions if not each.passed] == ["charged", "sealed"]


def test_holding_out_more_batches_buys_no_new_budget() -> None:
    """The budget goes by the newest batch: neither split.holdout nor late rows make fresh rows of the same ones."""
    found = evidence()
    made = found.provenance
    assert made is not None
    questions = [
        question_of(found.model_copy(update={"provenance": made.model_copy(update={"holdout": holdout})}), POLICY)
        for holdout in ({"2013-07": "0"}, {"2013-06": "9", "2013-07": "0"}, {"2013-07": "0", "2013-07.late-1": "1"})
    ]
    assert len({each.holdout for each in questions if each}) == 1
    assert len({each.rows for each in questions if each}) == 3
