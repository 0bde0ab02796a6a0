"""Overrides: by name, reason and expiry, of judgements alone; and what a promotion makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.decision import Condition, Decision, Evidence
from ratchet.core.findings import Comparison, Cost, Estimate, GroupGap, MetricRow
from ratchet.core.gate import decide
from ratchet.core.gate_params import CostLimit, GapLimit
from ratchet.core.ledger import append, dump, load
from ratchet.core.ledger_entries import Override
from ratchet.core.metrics import metrics_for
from ratchet.core.override import (
    LONGEST_DAYS,
    NEVER,
    expiry,
    forbidden,
    lacking,
    overriding,
    require_overridable,
)
from ratchet.core.params import Bounds, Gate
from ratchet.errors import PromotionRefused, TamperedFile, UsageError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = "d" * 64
POLICY = Gate(metric="squared_error", floors={"r2": Bounds(min=0.9)})


def estimate(value: float | None) -> Estimate:
    near = (None, None, None) if value is None else (value - 0.01, value + 0.01, 0.01)
    return Estimate(
        value=value, low=near[0], high=near[1], standard_error=near[2], rows=900, clusters=9, assumed_independent=False
    )


def decided(policy: Gate = POLICY, value: float | None = 0.5, **known: Any) -> Decision:
    """A challenger whose every metric is `value`, compared without a difference that is shown."""
    rows = tuple(
        MetricRow(
            name=each.name, meaning="", direction="higher",
            models={"challenger": estimate(value), "champion": estimate(0.5)}, gain=estimate(0.0),
        )
        for each in metrics_for("regression")
    )  # fmt: skip
    compared = Comparison(
        gain=0.01, low=-0.1, high=0.1, standard_error=0.07, p_better=0.4, p_worse=0.6, sign_flip=None, rows=900,
        clusters=9, assumed_independent=False, design_effect=2.0, sd=1.0, lag1=None, alpha=0.1, margin=0.0,
    )  # fmt: skip
    facts: dict[str, Any] = {
        "task": "regression", "metric": "squared_error", "reference": "champion", "champion": 1,
        "challenger_is_champion": False, "comparison": compared, "metrics": rows, "holdout": ("2013-07",),
        "contaminated": (),
    }  # fmt: skip
    return decide(Evidence(**{**facts, **known}), policy)


def failed(decision: Decision) -> dict[str, Condition]:
    return {each.name: each for each in decision.conditions if not each.passed}


def override(*conditions: str, expires: datetime = NOW + timedelta(days=1), digest: str = DIGEST) -> Override:
    return Override(
        model="m", run_id="r", decision_digest=digest, conditions=conditions, reason="agreed", actor="ada",
        time=NOW.isoformat(), expires=expires.isoformat(),
    )  # fmt: skip


def passing(decision: Decision, *names: str) -> Decision:
    """The same, in which only `names` failed."""
    conditions = tuple(each.model_copy(update={"passed": each.name not in names}) for each in decision.conditions)
    return decision.model_copy(update={"conditions": conditions})


JUDGED = passing(decided(), "floor:r2", "better")
"""A refusal by two conditions that were measured."""


def test_measured_judgements_can_be_overridden() -> None:
    """A floor that is broken and a gain that is not shown have numbers: somebody may take them upon themselves."""
    require_overridable(JUDGED, ["floor:r2", "better"])
    assert overriding([override("floor:r2", "better")], JUDGED, digest=DIGEST, now=NOW) == (
        override("floor:r2", "better"),
    )


def test_several_people_can_override_a_part_each() -> None:
    """Together the overrides must name every failed condition."""
    both = [override("floor:r2"), override("better")]
    assert overriding(both, JUDGED, digest=DIGEST, now=NOW) == tuple(both)
    assert lacking(both[:1], JUDGED, digest=DIGEST, now=NOW) == ("better",)


@pytest.mark.parametrize(
    "known",
    [
        [],
        [override("better")],
        [override("floor:r2", "better", expires=NOW)],
        [override("floor:r2", "better", expires=NOW - timedelta(days=3))],
        [override("floor:r2", "better", digest="e" * 64)],
        [override("floor:r2"), override("better", expires=NOW - timedelta(seconds=1))],
    ],
    ids=["none", "one of two", "over now", "over", "of another decision", "half is over"],
)
def test_nothing_less_than_every_failed_condition_lets_it_pass(known: list[Override]) -> None:
    """Without an override of each failed condition that holds now, of this very decision, nothing is promoted."""
    with pytest.raises(PromotionRefused, match="the gate says reject"):
        overriding(known, JUDGED, digest=DIGEST, now=NOW)


@pytest.mark.parametrize("kind", NEVER)
def test_what_says_that_there_was_no_judgement_cannot_be_overridden(kind: str) -> None:
    """Contaminated, leaking, unpaid, incomparable or missing numbers, and sealed ones, are nobody's to take."""
    condition = Condition(name=kind, passed=False, sentence="it failed", estimate=1.0, rows=9)
    decision = JUDGED.model_copy(update={"conditions": (condition,)})
    assert forbidden(condition, decision) == NEVER[kind]
    with pytest.raises(PromotionRefused, match="cannot be overridden"):
        require_overridable(decision, [kind])
    with pytest.raises(PromotionRefused):  # written by hand, it counts for nothing
        overriding([override(kind)], decision, digest=DIGEST, now=NOW)


def test_a_number_that_is_missing_cannot_be_overridden() -> None:
    """NaN, a slice, gap or cost that nobody measured, and a condition that cannot be read, hide anything."""
    policy = Gate.model_validate(
        {
            **POLICY.model_dump(), "slices": {"by": ("origin",)}, "guardrails": {"r2": {"max_drop": 0.0}},
            "fairness": {"sex": {"loss_gap": GapLimit(max=0.1)}}, "costs": {"model_mb": CostLimit(max=1.0)},
            "conditions": {"part": 'challenger.r2[sex = "f"] > 0.1', "plain": "challenger.r2 > 0.99", "odd": "r2 >"},
        }
    )  # fmt: skip
    decision = decided(policy, value=None, comparison=None)
    missing = {"floor:r2", "slices", "fairness:sex:loss_gap", "cost:model_mb", "own:part", "own:plain", "own:odd",
               "enough_clusters", "better", "measured"}  # fmt: skip
    found = failed(decision)
    assert missing <= set(found)
    assert [name for name in missing if not forbidden(found[name], decision)] == []
    whole = failed(decided(policy))
    assert forbidden(whole["own:plain"], decided(policy)) == ""


def test_a_gap_or_cost_without_its_comparison_cannot_be_overridden() -> None:
    """What is held against the champion must have been measured beside it."""
    policy = Gate.model_validate(
        {
            **POLICY.model_dump(), "fairness": {"sex": {"loss_gap": GapLimit(max=0.1, max_increase=0.1)}},
            "costs": {"model_mb": CostLimit(max=1.0, vs_champion=1.1)},
        }
    )  # fmt: skip
    gap = GroupGap(
        column="sex", gap="loss_gap", groups={"f": 500, "m": 400}, challenger=estimate(0.5), reference=None,
        increase=None,
    )  # fmt: skip
    for increase, ratio, allowed in ((None, None, False), (estimate(0.4), 2.0, True)):
        decision = decided(
            policy,
            gaps=(gap.model_copy(update={"increase": increase}),),
            costs={"model_mb": Cost(challenger=3.0, reference=1.0, ratio=ratio, ratio_high=ratio)},
        )
        found = failed(decision)
        for name in ("fairness:sex:loss_gap", "cost:model_mb"):
            assert (forbidden(found[name], decision) == "") is allowed


def test_a_cost_that_is_no_number_cannot_be_overridden_while_nothing_serves() -> None:
    """There is nothing to hold it against then, and still it has to be a number."""
    policy = Gate.model_validate({**POLICY.model_dump(), "costs": {"model_mb": CostLimit(max=1.0)}})
    for value in (3.0, None):
        costs = {"model_mb": Cost(challenger=value, reference=None)}
        decision = decided(policy, reference="baseline", champion=None, costs=costs)
        assert (forbidden(failed(decision)["cost:model_mb"], decision) == "") is (value is not None)


def test_names_are_those_of_conditions_that_failed() -> None:
    """A slip of the pen is told with the nearest name, and what holds needs nobody."""
    with pytest.raises(UsageError, match="did you mean better"):
        require_overridable(JUDGED, ["bettr"])
    with pytest.raises(UsageError, match="measured holds"):
        require_overridable(JUDGED, ["measured"])
    with pytest.raises(UsageError, match="nothing to override"):
        require_overridable(passing(JUDGED), ["better"])


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01", "2026-02-28", "2026-03-01T11:59", "2027-03-01"])
def test_an_expiry_is_a_day_that_is_near(text: str) -> None:
    """No day, one that is past and one that is far away are refused."""
    with pytest.raises(UsageError, match="--expires"):
        expiry(text, NOW)


def test_an_override_holds_to_the_end_of_its_last_day() -> None:
    """A date means its last second, in UTC; a moment is taken as it is."""
    assert expiry("2026-03-01", NOW) == datetime(2026, 3, 2, tzinfo=UTC)
    assert expiry("2026-03-01T18:00+02:00", NOW) == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert expiry((NOW + timedelta(days=LONGEST_DAYS)).date().isoformat(), NOW) > NOW


@given(st.lists(st.tuples(st.sampled_from(["better", "floor:r2"]), st.text(min_size=1, max_size=9)), max_size=4))
def test_overrides_survive_their_file(wanted: list[tuple[str, str]]) -> None:
    """The chain reads back equal, whatever the reasons are."""
    entries: list[Any] = []
    for name, reason in wanted:
        made = override(name).model_copy(update={"reason": reason.encode("utf-8", "replace").decode()})
        entries.append(append(entries, made))
    assert load(dump(entries)) == tuple(entries)


def test_an_edited_override_is_found() -> None:
    """Nobody prolongs an override in the file."""
    text = dump([append((), override("better"))])
    with pytest.raises(TamperedFile):
        load(text.replace("2026-03-02", "2029-03-02"))


def test_every_kind_of_condition_is_thought_of() -> None:
    """Each condition that the gate knows is either overridable by its number, or named as one that never is."""
    from ratchet.core.explain import MEANINGS

    judgements = {"floor", "guardrail", "slices", "fairness", "cost", "own", "enough_clusters", "better"}
    assert set(MEANINGS) == judgements | set(NEVER)
    assert get_args(Decision.model_fields["verdict"].annotation) == ("promote", "hold", "reject")
