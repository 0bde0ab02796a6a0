"""Nothing bad is promoted: faults planted in data, models and policies, each caught by the condition meant for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ratchet.core.alpha_ledger import Charge
from ratchet.core.alpha_level import charge, level
from ratchet.core.decision import Decision, Evidence, Look
from ratchet.core.gate import CHECKS, decide
from ratchet.core.gate.charged import question_of
from ratchet.core.gate_params import Bounds, CostLimit, GapLimit, Gate, Guardrail, Reuse, Slices
from ratchet.core.params import parse_record
from ratchet.errors import DataRefused, UsageError
from ratchet.io import model_costs

if TYPE_CHECKING:
    from tests.core.gate.planted.conftest import Batch, Trial

    Floats = NDArray[np.float64]

LEDGER = Reuse(policy="ledger", runs=5)
LIGHT = {"latency_p95_ms": CostLimit(vs_champion=1.25), "model_mb": CostLimit(max=0.1)}


class Fault(NamedTuple):
    """How a trial is spoilt, and the condition that catches it."""

    plant: Callable[[Trial], Trial]
    caught: str


def noise(size: int, scale: float = 1.0, seed: int = 5) -> Floats:
    """The same noise each time."""
    return np.random.default_rng(seed).normal(scale=scale, size=size)


def first_days(count: int) -> Callable[[Batch], Batch]:
    """Only the rows of the first days are there."""
    return lambda each: each.take(np.flatnonzero(np.isin(each.day, np.unique(each.day)[:count])))


def labelled(change: Callable[[Batch], NDArray[np.bool_]]) -> Callable[[Batch], Batch]:
    """The labels are others."""
    return lambda each: replace(each, target=change(each))


def shuffled(each: Batch) -> NDArray[np.bool_]:
    """Labels of other rows."""
    return each.target[np.random.default_rng(1).permutation(len(each.target))]


def half_wrong(each: Batch) -> NDArray[np.bool_]:
    """Of the labels, 45 % are wrong."""
    return np.where(np.random.default_rng(2).random(len(each.target)) < 0.45, ~each.target, each.target)


def disguised(each: Batch, name: str) -> Batch:
    """The same rows as another batch: other keys, and times within it."""
    times = np.full(len(each.time), np.datetime64(f"{name}-02T00:00:00"))
    return replace(each, name=name, key=each.key + 9_000_000, time=times)


def repeated(trial: Trial) -> Trial:
    """A part of a training batch was delivered again with what judges."""
    rows, again = trial.judging, trial.training[1].take(np.arange(400))
    known: dict[str, Any] = {
        name: np.concatenate([getattr(rows, name), getattr(again, name)]) for name in ("target", "day", "key", "time")
    }
    both = pd.concat([rows.features, again.features], ignore_index=True)
    return trial.changed(judging=replace(rows, features=both, **known))


def with_answer(each: Batch) -> Batch:
    """A feature that is known only afterwards."""
    return each.feature(z=each.target + noise(len(each.target), 0.05))


def with_two_answers(each: Batch) -> Batch:
    """Two features of which neither tells the label, and both together do."""
    mask = noise(len(each.target), 3.0, seed=int(each.key[0]))
    return each.feature(z=each.target + mask, mask=mask)


def told(trial: Trial, change: Callable[[Batch], Batch], *columns: str) -> Trial:
    """All rows have new features, which the challenger is trained on."""
    return trial.trained(change).judged(change).changed(columns=(*trial.columns, *columns))


def on_one_day(odds: Floats, each: Batch) -> Floats:
    """Right on one day as if it were known, and no good on the others."""
    known = np.where(each.target, 5.0, -5.0)
    return np.where(each.day == each.day[0], known, 0.9 * odds + noise(len(odds), 1.6))


def blind(chosen: Callable[[Batch], Any]) -> Callable[[Floats, Batch], Floats]:
    """Of some rows the challenger knows nothing."""
    return lambda odds, each: np.where(chosen(each), 0.0, odds)


def sealed(trial: Trial, looks: Callable[[Evidence, Gate], Look | None]) -> Trial:
    """The rows that judge are sealed, and the first rows of training are open."""
    first, *others = trial.training
    shown = replace(first, time=trial.judging.time)
    return trial.ruled(reuse=LEDGER).changed(opened=shown, training=tuple(others), looks=looks)


def look(evidence: Evidence, policy: Gate, *, before: int = 0, **asked: str) -> Look:
    """What is charged after other challengers; `asked`: for a question about something else."""
    question = question_of(evidence, policy)
    assert question is not None
    charges = list[Charge]()
    for run in range(before):
        other = question.model_copy(update={"challenger": f"{run:064}"})
        spent = level(charges, other, fresh_alpha=policy.alpha, reuse=policy.reuse)
        charges.append(charge(other, spent, reuse=policy.reuse, actor="somebody", time="2020-05-01T00:00:00Z"))
    question = question.model_copy(update=asked)
    return Look(question=question, level=level(charges, question, fresh_alpha=policy.alpha, reuse=policy.reuse))


DATA: Mapping[str, Fault] = {
    "training labels are shuffled": Fault(lambda trial: trial.trained(labelled(shuffled)), "better"),
    "45 % of the training labels are wrong": Fault(lambda trial: trial.trained(labelled(half_wrong)), "better"),
    "training classes are swapped": Fault(lambda trial: trial.trained(labelled(lambda each: ~each.target)), "better"),
    "training was cut to a few rows": Fault(
        lambda trial: trial.trained(lambda each: each.take(np.arange(3))), "better"
    ),
    "a join found nothing in training": Fault(
        lambda trial: trial.trained(lambda each: each.feature(x=0.0, y=0.0)), "better"
    ),
    "a join found nothing in what judges": Fault(
        lambda trial: trial.judged(lambda each: each.feature(y=np.nan)), "better"
    ),
    "another unit in what judges": Fault(
        lambda trial: trial.judged(lambda each: each.feature(y=100 * each.features["y"])), "better"
    ),
    "rows that judge were trained on": Fault(
        lambda trial: trial.changed(
            training=(*trial.training, disguised(trial.judging.take(np.arange(0, 1600, 8)), "2020-01"))
        ),
        "leakage",
    ),
    "a training batch is in what judges again": Fault(repeated, "leakage"),
    "keys of training rows": Fault(
        lambda trial: trial.judged(lambda each: replace(each, key=trial.training[0].key)), "leakage"
    ),
    "training rows from after what judges": Fault(
        lambda trial: trial.trained(lambda each: replace(each, time=each.time + np.timedelta64(300, "D"))), "leakage"
    ),
    "a feature that reproduces the target": Fault(lambda trial: told(trial, with_answer, "z"), "leakage"),
    "two features that know the target together": Fault(
        lambda trial: told(trial, with_two_answers, "z", "mask").ruled(floors={}), "measured"
    ),
    "open rows were trained on": Fault(
        lambda trial: sealed(trial, look).changed(training=trial.training), "leakage:open"
    ),
    "the champion was trained on what judges": Fault(
        lambda trial: trial.changed(seen={trial.judging.name: "0" * 64}), "untouched"
    ),
    "the same content under another name": Fault(
        lambda trial: trial.changed(seen={"2019-12": trial.judging.digest()}), "untouched"
    ),
    "five days": Fault(lambda trial: trial.judged(first_days(5)).ruled(conditions={}), "enough_clusters"),
    "one day": Fault(lambda trial: trial.judged(first_days(1)), "better"),
    "labels of one class": Fault(
        lambda trial: trial.judged(labelled(lambda each: np.zeros_like(each.target))), "measured"
    ),
    "one group": Fault(lambda trial: trial.judged(lambda each: each.feature(group="a")), "fairness:group:loss_gap"),
}
MODELS: Mapping[str, Fault] = {
    "the champion itself": Fault(
        lambda trial: trial.changed(old=trial.columns).ruled(margin=0.01, conditions={}), "different"
    ),
    "compared with the baseline, while a version serves": Fault(
        lambda trial: trial.changed(reference="baseline").ruled(fairness={}), "reference"
    ),
    "NaN in one row": Fault(
        lambda trial: trial.saying(lambda odds, _: np.where(np.arange(len(odds)) == 5, np.nan, odds)), "measured"
    ),
    "a constant": Fault(lambda trial: trial.saying(lambda odds, _: np.full_like(odds, 0.1)), "better"),
    "swapped classes": Fault(lambda trial: trial.saying(lambda odds, _: -odds), "better"),
    "scores of other rows": Fault(lambda trial: trial.saying(lambda odds, _: np.roll(odds, 1)), "better"),
    "far too extreme": Fault(lambda trial: trial.saying(lambda odds, _: 8 * odds), "better"),
    "too extreme, and still better": Fault(
        lambda trial: trial.saying(lambda odds, _: 1.7 * odds), "floor:calibration_slope"
    ),
    "far too timid": Fault(lambda trial: trial.saying(lambda odds, _: 0.1 * odds), "better"),
    "too timid, and still better": Fault(
        lambda trial: trial.saying(lambda odds, _: 0.5 * odds), "floor:calibration_slope"
    ),
    "shifted": Fault(lambda trial: trial.saying(lambda odds, _: odds + 2.5), "better"),
    "worse by noise": Fault(lambda trial: trial.saying(lambda odds, _: odds + noise(len(odds), 2.5)), "better"),
    "no better at all": Fault(
        lambda trial: trial.changed(old=trial.columns).saying(lambda odds, _: odds + noise(len(odds), 0.02)), "better"
    ),
    "better by rounding": Fault(
        lambda trial: trial.changed(
            columns=trial.old, estimator="random_forest", said=lambda _, each: rounded(trial, each)
        ),
        "better",
    ),
    "better on one day only": Fault(lambda trial: trial.saying(on_one_day), "better"),
    "blind in a slice of 13 %": Fault(
        lambda trial: trial.saying(blind(lambda each: each.features["site"] == "D")), "slices"
    ),
    "blind in the evening": Fault(
        lambda trial: trial.saying(blind(lambda each: each.features["hour"] >= 18)), "own:evenings"
    ),
    "worse for one group": Fault(
        lambda trial: trial.saying(
            lambda odds, each: np.where((each.features["group"] == "b") & (each.key % 7 == 0), -odds, odds)
        ),
        "fairness:group:loss_gap",
    ),
    "ranks worse than a champion without calibration": Fault(
        lambda trial: trial.saying(lambda odds, _: odds + noise(len(odds), 0.9)).changed(
            old=trial.columns, said_before=lambda scores, _: 0.5 + 0.02 * (scores - 0.5)
        ),
        "guardrail:roc_auc",
    ),
    "slow": Fault(lambda trial: forest(trial, "latency_p95_ms"), "cost:latency_p95_ms"),
    "large": Fault(lambda trial: forest(trial, "model_mb"), "cost:model_mb"),
    "the budget of looks is spent": Fault(
        lambda trial: sealed(trial, lambda *asked: look(*asked, before=6)), "charged"
    ),
    "the look was another challenger's": Fault(
        lambda trial: sealed(trial, lambda *asked: look(*asked, challenger="9" * 64)), "charged"
    ),
    "nobody charged the look": Fault(lambda trial: sealed(trial, lambda *_: None), "charged"),
}
POLICIES: Mapping[str, Fault] = {
    "no column of slices": Fault(lambda trial: trial.ruled(slices=Slices(by=("town",), min_rows=100)), "slices"),
    "slices too small to be tested": Fault(
        lambda trial: trial.ruled(slices=Slices(by=("site",), min_rows=2000)), "slices"
    ),
    "no column of groups": Fault(
        lambda trial: trial.ruled(fairness={"sex": {"loss_gap": GapLimit(max=1.0)}}), "fairness:sex:loss_gap"
    ),
    "a metric without a loss per row": Fault(
        lambda trial: trial.ruled(metric="roc_auc", slices=Slices(), fairness={}), "better"
    ),
    "a metric of another task": Fault(
        lambda trial: trial.ruled(metric="squared_error", slices=Slices(), fairness={}), "better"
    ),
    "an unknown guardrail": Fault(
        lambda trial: trial.ruled(guardrails={"roc_auk": Guardrail(max_drop=0.1)}), "guardrail:roc_auk"
    ),
    "a floor of another task": Fault(lambda trial: trial.ruled(floors={"rmse": Bounds(max=1.0)}), "floor:rmse"),
    "a condition that cannot be read": Fault(
        lambda trial: trial.ruled(conditions={"evenings": "gain.log_loss >"}), "own:evenings"
    ),
    "a condition on a column that is not there": Fault(
        lambda trial: trial.ruled(conditions={"evenings": "gain.log_loss[our > 18] > 0"}), "own:evenings"
    ),
}
FAULTS: Mapping[str, Fault] = {**DATA, **MODELS, **POLICIES}
"""By what is wrong; a name stands in one of the three tables."""
REFUSED: Mapping[str, tuple[Callable[[Trial], Trial], type[Exception], str]] = {
    "a wrong schema: a feature is not there": (
        lambda trial: trial.judged(lambda each: replace(each, features=each.features.drop(columns="y"))),
        DataRefused,
        "the features y are not there",
    ),
    "rows without a cluster": (
        lambda trial: trial.judged(
            lambda each: replace(
                each, day=np.array([name if key % 9 else None for name, key in zip(each.day, each.key, strict=True)])
            )
        ),
        UsageError,
        "rows have no cluster",
    ),
    "infinite scores": (
        lambda trial: trial.changed(said=lambda scores, _: np.where(scores > 0.9, np.inf, scores)),
        UsageError,
        "scores are not probabilities",
    ),
    "scores that are no probabilities": (
        lambda trial: trial.changed(said=lambda scores, _: 2 * scores),
        UsageError,
        "scores are not probabilities",
    ),
    "no rows": (lambda trial: trial.judged(first_days(0)), ValueError, "0 sample"),
}


def forest(trial: Trial, cost: str) -> Trial:
    """A model of many trees, where costs are limited."""
    return trial.changed(estimator="random_forest").ruled(costs={cost: LIGHT[cost]}, floors={}, conditions={})


def rounded(trial: Trial, each: Batch) -> Floats:
    """The champion's scores, but for the last digits."""
    return np.asarray(trial.changed(judging=each).reference_scores() + np.array([1e-16, -1e-16]))


@pytest.fixture(scope="module")
def decisions(honest: Callable[[int], Trial]) -> Callable[[str], tuple[Evidence, Gate]]:
    """What each fault comes to, measured once."""
    found: dict[str, tuple[Evidence, Gate]] = {}

    def measured(name: str) -> tuple[Evidence, Gate]:
        if name not in found:
            trial = FAULTS[name].plant(honest([*FAULTS].index(name) % 2))
            with mock.patch.object(model_costs, "CALLS", 2):
                found[name] = trial.evidence(), trial.policy
        return found[name]

    return measured


def failed(decision: Decision) -> set[str]:
    """The conditions that do not hold."""
    return {each.name for each in decision.conditions if not each.passed}


@pytest.mark.parametrize("seed", range(3))
def test_honest_challengers_are_promoted(seed: int, honest: Callable[[int], Trial]) -> None:
    """With nothing planted the challenger is promoted, and under a sealing policy as well: the faults are to blame."""
    trial = honest(seed)
    assert set() == failed(decide(trial.evidence(), trial.policy))
    kept = sealed(trial, look)
    assert set() == failed(decide(kept.evidence(), kept.policy))


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_caught(name: str, decisions: Callable[[str], tuple[Evidence, Gate]]) -> None:
    """The challenger is not promoted, and the condition that is there for it says so."""
    decision = decide(*decisions(name))
    assert FAULTS[name].caught in failed(decision)
    assert "promote" != decision.verdict
    assert decision.would_change


@pytest.mark.parametrize("name", REFUSED)
def test_faults_that_end_a_run(name: str, honest: Callable[[int], Trial]) -> None:
    """What cannot be measured at all is refused before there is evidence."""
    plant, error, said = REFUSED[name]
    with pytest.raises(error, match=said):
        plant(honest(0)).evidence()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"metric": "log_loss", "min_efect": 0.01}, "min_efect: unknown key, did you mean min_effect"),
        ({"metric": "log_loss", "guardrails": {"roc_auc": {"drop": 0.1}}}, "unknown key"),
        ({"metric": "log_loss", "fairness": {"sex": {"gap": {"max": 0.1}}}}, "fairness"),
        ({"metric": "log_loss", "costs": {"latency_p95_ms": {}}}, "costs.latency_p95_ms allows everything"),
        ({"metric": "log_loss", "costs": {"model_mb": {"max": None}}}, "costs.model_mb allows everything"),
        ({"metric": "log_loss", "floors": {"roc_auc": {}}}, "floors.roc_auc allows everything"),
        ({"metric": "log_loss", "floors": {"roc_auc": {"min": None, "max": None}}}, "floors.roc_auc allows everything"),
        ({"metric": "log_loss", "fairness": {"sex": {}}}, "fairness.sex allows everything"),
        (
            {"metric": "log_loss", "fairness": {"sex": {"loss_gap": {"max": None, "max_increase": None}}}},
            "fairness.sex.loss_gap allows everything",
        ),
        ({"metric": "log_loss", "alpha": 0.9}, "alpha"),
        ({"metric": "log_loss", "margin": -1.0}, "margin"),
    ],
)
def test_policies_with_mistakes_are_refused(text: Mapping[str, object], said: str) -> None:
    """A policy that holds a mistake is not run at all, and the message names it."""
    with pytest.raises(UsageError, match=said):
        parse_record(Gate, text, source="gate")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_check_may_be_taken_out(
    check: Any, decisions: Callable[[str], tuple[Evidence, Gate]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any one of its checks the gate promotes a planted fault; a look not charged leaves no level besides."""
    monkeypatch.setattr(sys.modules["ratchet.core.gate.decide"], "CHECKS", [each for each in CHECKS if each != check])
    found = {name: decide(*decisions(name)) for name in FAULTS}
    missed = [name for name, fault in FAULTS.items() if fault.caught not in failed(found[name])]
    assert missed
    promoted = [name for name in missed if found[name].verdict == "promote"]
    assert promoted or {"better"} == set.intersection(*(failed(found[name]) for name in missed))
    assert bool(promoted) == (check.__name__ != "charged")
