"""The bench that the gate is tested on: evidence that passes every kind of condition, and cases that change a part.

A case says what a decision on its evidence must be: the verdict, which conditions fail, which of them show harm, and
numbers and words of theirs. Each test file here holds its cases in CASES; the mutation run judges all of them again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

import ratchet.core.gate.unasked  # noqa: F401 - a package knows the parts of it that were imported
from ratchet.core.decision import CHALLENGER, CHAMPION, Condition, Decision, Evidence
from ratchet.core.findings import Advice, Comparison, Cost, Estimate, GroupGap, MetricRow, SliceCheck, SliceGain
from ratchet.core.gate_params import Bounds, CostLimit, GapLimit, Gate, Guardrail, Slices
from ratchet.core.leakage.records import Disorder, LeakageCheck, Shared, Telling
from ratchet.core.manifest import digest_of
from ratchet.core.metrics import metrics_for

Verdict = Literal["promote", "hold", "reject"]

TOLD = ("untouched", "leakage:open", "different", "reference", "cost")
"""Kinds of conditions that are known without the labels of the rows that judge."""
ROWS, CLUSTERS = 1100, 11
"""With 11 clusters Student's t has 10 degrees of freedom; its 90% quantile is 1.3722, that of 95% is 1.8125."""
VALUES = {"log_loss": 0.4, "roc_auc": 0.8, "brier": 0.15, "calibration_slope": 1.0, "ece": 0.02, "accuracy": 0.75}
FULL = Gate(
    metric="log_loss",
    floors={"roc_auc": Bounds(min=0.6), "brier": Bounds(max=0.25)},
    guardrails={"accuracy": Guardrail(max_drop=0.01)},
    slices=Slices(by=("site",), min_rows=50),
    fairness={"group": {"loss_gap": GapLimit(max=0.1, max_increase=0.05)}},
    costs={"latency_p95_ms": CostLimit(max=50.0, vs_champion=1.25), "model_mb": CostLimit(max=100.0)},
    conditions={"ranking": "gain.roc_auc > -0.01"},
)
"""A policy with every kind of condition but `charged`, which is asked only where rows are sealed."""


def estimate(
    value: float | None, error: float | None = 0.005, *, rows: int = ROWS, clusters: int = CLUSTERS, alone: bool = False
) -> Estimate:
    """A value with its standard error; `alone`: rows were said to be independent. The gate makes bounds of its own."""
    low, high = (None, None) if value is None or error is None else (value - error, value + error)
    return Estimate(
        value=value, low=low, high=high, standard_error=error, rows=rows, clusters=clusters, assumed_independent=alone
    )


def compared(**known: Any) -> Comparison:
    """A challenger that is surely better by 0.02."""
    usual: dict[str, Any] = {
        "gain": 0.02, "low": 0.013, "high": 0.027, "standard_error": 0.005, "p_better": 0.001, "p_worse": 0.999,
        "sign_flip": None, "rows": ROWS, "clusters": CLUSTERS, "assumed_independent": False, "design_effect": 2.0,
        "sd": 0.005, "lag1": None, "alpha": 0.1, "margin": 0.0,
    }  # fmt: skip
    return Comparison(**(usual | known))


def measured() -> tuple[MetricRow, ...]:
    """Every metric of a binary task, of both models, with a gain of 0.02."""
    return tuple(
        MetricRow(
            name=metric.name,
            meaning=metric.meaning,
            direction=metric.direction,
            models={name: estimate(VALUES.get(metric.name, 0.5)) for name in (CHALLENGER, CHAMPION)},
            gain=estimate(0.02),
        )
        for metric in metrics_for("binary")
    )


def slice_gain(
    value: str, gain: float | None = 0.02, *, p_worse: float | None = 0.9, column: str = "site"
) -> SliceGain:
    """What is gained in one slice."""
    return SliceGain(column=column, value=value, gain=estimate(gain, rows=300), p_worse=p_worse)


def sliced(*gains: SliceGain, **known: Any) -> SliceCheck:
    """The slices of `site` that were tested, as many as are given."""
    usual: dict[str, Any] = {"min_rows": 50, "tested": {"site": len(gains)}, "too_small": 0, "gains": gains}
    return SliceCheck(**(usual | known))


def gap(**known: Any) -> GroupGap:
    """A small gap between two groups, no larger than the champion's."""
    usual: dict[str, Any] = {
        "column": "group", "gap": "loss_gap", "groups": {"a": 600, "b": 500},
        "challenger": estimate(0.02), "reference": estimate(0.02), "increase": estimate(0.0),
    }  # fmt: skip
    return GroupGap(**(usual | known))


CLEAN = LeakageCheck(
    rows=ROWS,
    training_rows=8000,
    exact=Shared(rows=0, expected=3.0),
    near=Shared(rows=1, expected=3.0, but="x"),
    keys=Shared(rows=0, expected=0.0),
    disorder=Disorder(rows=0, newest_training="2013-06-30 23:00", oldest_holdout="2013-07-01 05:00"),
    telling=(Telling(feature="hour", by="value", value=0.7, rows=ROWS),),
)


def passing() -> Evidence:
    """Evidence that FULL promotes."""
    return Evidence(
        task="binary",
        metric="log_loss",
        reference="champion",
        champion=3,
        challenger_is_champion=False,
        comparison=compared(),
        metrics=measured(),
        slices=sliced(slice_gain("A"), slice_gain("B")),
        gaps=(gap(),),
        costs={
            "latency_p95_ms": Cost(challenger=10.0, reference=9.0, ratio=1.1, ratio_high=1.2),
            "model_mb": Cost(challenger=2.0, reference=2.0),
        },
        holdout=("2013-07",),
        contaminated=(),
        leakage=CLEAN,
        leakage_open=CLEAN,
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """Evidence and a policy, and what must come of them."""

    evidence: Evidence
    policy: Gate
    verdict: Verdict
    failed: tuple[str, ...]
    harm: tuple[str, ...]
    found: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    missing: tuple[int, int] | None = None
    budget: str = ""

    def check(self, gate: Any) -> None:
        """Decide by the package `ratchet.core.gate`, or a changed one, and compare with what must come of it."""
        decision: Decision = gate.decide(self.evidence, self.policy)
        conditions = {each.name: each for each in decision.conditions}
        failed = tuple(name for name, each in conditions.items() if not each.passed)
        harm = tuple(name for name, each in conditions.items() if each.harm)
        assert (self.verdict, self.failed, self.harm) == (decision.verdict, failed, harm), decision.reason
        assert (self.missing and Advice(rows=self.missing[0], clusters=self.missing[1])) == decision.missing
        assert (decision.verdict == "promote") == (decision.would_change == "")
        for name, fields in self.found.items():
            assert {each: shortened(getattr(conditions[name], each)) for each in fields} == fields
        for text in self.said:
            assert text in words(decision)
        self._check_what_is_told(gate, decision)

    def _check_what_is_told(self, gate: Any, decision: Decision) -> None:
        """What stands in every decision: why, and what to do about each thing that failed."""
        assert (self.evidence, self.policy) == (decision.evidence, decision.policy)
        assert digest_of(self.policy.model_dump(mode="json")) == decision.policy_digest
        failed = [each for each in decision.conditions if not each.passed]
        assert all(each.remedy for each in failed)
        if not failed:
            assert decision.conditions[-1].sentence == decision.reason
        known = [each.sentence for each in failed if each.name.partition(":")[0] in TOLD or each.name in TOLD]
        assert (known[0] if known else "") == gate.unasked.unasked(self.evidence, self.policy)
        if self.budget:
            assert self.budget == gate.charged.budget_text(self.evidence)


def shortened(value: object) -> object:
    """A number as it is written in a case: five digits."""
    return float(f"{value:.5g}") if isinstance(value, float) and math.isfinite(value) else value


def words(decision: Decision) -> str:
    """Everything that a decision says."""

    def said(each: Condition) -> str:
        return f"{each.name}: {each.sentence}; {each.remedy}"

    return "\n".join((decision.reason, decision.would_change, *map(said, decision.conditions), ""))


@dataclass(frozen=True)
class Bench:
    """What cases are made of. Everything is changed by copy."""

    full: Gate = FULL
    evidence: Evidence = field(default_factory=passing)
    estimate: Callable[..., Estimate] = estimate
    compared: Callable[..., Comparison] = compared
    slice_gain: Callable[..., SliceGain] = slice_gain
    sliced: Callable[..., SliceCheck] = sliced
    gap: Callable[..., GroupGap] = gap
    clean: LeakageCheck = CLEAN

    def policy(self, **known: Any) -> Gate:
        """FULL with other values in some keys."""
        return self.full.model_copy(update=known)

    def plain(self, **known: Any) -> Gate:
        """A policy with nothing but the metric, and `known`."""
        return Gate(metric="log_loss", **known)

    def changed(self, **known: Any) -> Evidence:
        """The evidence that passes, with other parts."""
        return self.evidence.model_copy(update=known)

    def metric(self, name: str, **known: Any) -> Evidence:
        """With another `challenger` or `gain` of one metric; None takes it away."""
        return self.changed(
            metrics=tuple(_row(row, known) if row.name == name else row for row in self.evidence.metrics)
        )

    def without(self, *names: str) -> Evidence:
        """As if nobody had measured these metrics."""
        return self.changed(metrics=tuple(row for row in self.evidence.metrics if row.name not in names))

    def case(
        self,
        evidence: Evidence | None = None,
        policy: Gate | None = None,
        *,
        verdict: Verdict = "promote",
        failed: Sequence[str] = (),
        harm: Sequence[str] | None = None,
        **known: Any,
    ) -> Case:
        """A case; where harm is not said, a rejection's is in all that failed."""
        shown = harm if harm is not None else failed if verdict == "reject" else ()
        return Case(
            evidence=self.evidence if evidence is None else evidence,
            policy=self.full if policy is None else policy,
            verdict=verdict,
            failed=tuple(failed),
            harm=tuple(shown),
            **known,
        )


def _row(row: MetricRow, known: Mapping[str, Estimate | None]) -> MetricRow:
    models = dict(row.models)
    if CHALLENGER in known:
        models.pop(CHALLENGER)
        models |= {CHALLENGER: known[CHALLENGER]} if known[CHALLENGER] is not None else {}
    return row.model_copy(update={"models": models, "gain": known.get("gain", row.gain)})


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Evidence that passes everything, and how to change it."""
    return Bench()
