"""Metrics with a number of the project's own in their name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ratchet.core.clusters import jackknife
from ratchet.core.evaluation import evaluate
from ratchet.core.evidence.asked import metrics_asked
from ratchet.core.metric_families import EXAMPLES
from ratchet.core.metrics import METRICS, is_loss, is_metric, loss_names, measure, metrics_for, row_losses
from ratchet.core.params import Gate, Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

SEEDS = st.integers(0, 2**32 - 1)


def classes(seed: int, count: int, rows: int = 300) -> tuple[np.ndarray, Scores]:
    """Targets drawn from a model's own probabilities."""
    random = np.random.default_rng(seed)
    scores = random.dirichlet(np.ones(count), size=rows)
    target = (random.random((rows, 1)) > scores.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return target.astype(np.int64), scores


@given(seed=SEEDS, digits=st.sampled_from(["9", "90", "05", "5", "975"]))
@settings(max_examples=20, deadline=None)
def test_pinball_is_that_of_scikit_learn(seed: int, digits: str) -> None:
    """At every quantile, row by row in the mean; at the median it is half the absolute error."""
    random = np.random.default_rng(seed)
    target, scores = random.normal(size=200), random.normal(size=(200, 1))
    losses = row_losses(f"pinball_{digits}", target, scores)
    expected = sk.mean_pinball_loss(target, scores[:, 0], alpha=float(f"0.{digits}"))
    assert losses.mean() == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(
        row_losses("pinball_5", target, scores) * 2, row_losses("absolute_error", target, scores)
    )


def test_cost_of_known_decisions() -> None:
    """A false alarm costs 1 and a missed positive 4: yes pays from a probability of 0.2 on."""
    positive = np.array([0.19, 0.19, 0.21, 0.21])
    scores = np.column_stack([1 - positive, positive])
    target = np.array([0, 1, 0, 1])
    assert row_losses("cost_1_4", target, scores).tolist() == [0, 4, 1, 0]


@given(seed=SEEDS, costs=st.lists(st.integers(0, 50), min_size=2, max_size=4).filter(any))
@settings(max_examples=50, deadline=None)
def test_each_decision_is_the_one_expected_to_cost_least(seed: int, costs: list[int]) -> None:
    """Whatever the number of classes: no other class would have cost less by the model's own probabilities."""
    target, scores = classes(seed, len(costs), rows=50)
    matrix = np.array(costs)[:, None] * (1 - np.eye(len(costs)))  # by true class, by what is said
    said = (scores @ matrix).argmin(axis=1)
    found = row_losses("_".join(["cost", *map(str, costs)]), target, scores)
    np.testing.assert_allclose(found, matrix[target, said])


def test_equal_costs_are_mistakes() -> None:
    """With a cost of 1 for every class it is one less accuracy."""
    target, scores = classes(1, 3)
    assert 1 - row_losses("cost_1_1_1", target, scores).mean() == pytest.approx(
        METRICS["accuracy"].function(target, scores)
    )


@given(seed=SEEDS, digits=st.sampled_from(["30", "5", "75"]))
@settings(max_examples=20, deadline=None)
def test_rates_at_a_threshold_are_those_of_scikit_learn(seed: int, digits: str) -> None:
    """Precision, recall and F1 of what is said at that probability."""
    target, scores = classes(seed, 2)
    said = scores[:, 1] >= float(f"0.{digits}")
    names = [f"{kind}_at_{digits}" for kind in ("precision", "recall", "f1")]
    measured = measure("binary", target, scores, also=names)
    expected = [sk.precision_score(target, said), sk.recall_score(target, said), sk.f1_score(target, said)]
    assert [measured[name] for name in names] == pytest.approx(expected)


def test_a_rate_of_no_rows_is_undefined() -> None:
    """Nothing said to be positive has no precision, and no positives no recall; never a pass."""
    scores = np.column_stack([np.full(10, 0.9), np.full(10, 0.1)])
    measured = measure(
        "binary", np.zeros(10, dtype=np.int64), scores, also=["precision_at_5", "recall_at_5", "f1_at_5"]
    )
    assert all(np.isnan(measured[name]) for name in ("precision_at_5", "recall_at_5", "f1_at_5"))


def test_intervals_are_the_jackknife_of_the_metric() -> None:
    """The short way to leave clusters out gives what the metric itself would."""
    target, scores = classes(3, 2)
    days = np.arange(300) // 20
    rows = evaluate(
        "binary", target, {"a": scores}, clusters=days, pair=("", "a"), alpha=0.1, also=["f1_at_40", "cost_2_5"]
    )
    found = {row.name: row.models["a"] for row in rows}
    expected = jackknife(METRICS["f1_at_40"].function, (target, scores), days, alpha=0.1)
    assert found["f1_at_40"].model_dump() == pytest.approx(expected.model_dump())
    assert found["cost_2_5"].value == pytest.approx(row_losses("cost_2_5", target, scores).mean())


def test_families_are_found_and_not_listed() -> None:
    """Reports have what they had; a name that is asked for comes behind, once, and only where the task has it."""
    usual = [metric.name for metric in metrics_for("binary")]
    also = ["f1_at_30", "log_loss", "pinball_90", "f1_at_30", "nothing"]
    assert [metric.name for metric in metrics_for("binary", also)] == [*usual, "f1_at_30"]
    assert len(METRICS) == len(list(METRICS))
    assert not set(METRICS) & set(also[:1])


@pytest.mark.parametrize(
    "name",
    ["pinball_", "pinball_0", "pinball_1.5", "cost_1", "cost_0_0", "cost_1_x", "f1_at_00", "f1", "f1_at_30 ", ""],
)
def test_what_is_no_member_is_no_metric(name: str) -> None:
    """A name without its number, or with one that says nothing, is unknown for every task."""
    tasks: tuple[Task, ...] = ("binary", "multiclass", "regression")
    assert not any(is_metric(name, task) for task in tasks)
    assert name not in METRICS


@pytest.mark.parametrize("task", list(EXAMPLES))
def test_examples_in_messages_are_metrics(task: Task) -> None:
    """And those that are means of losses may be the gate's metric."""
    for name in EXAMPLES[task].split(", "):
        assert is_metric(name, task)
        assert is_loss(name, task) == ("_at_" not in name)
        assert name not in loss_names(task)


def test_costs_of_another_number_of_classes_are_refused() -> None:
    """The message says how many there are."""
    target, scores = classes(1, 4)
    with pytest.raises(UsageError, match="costs for 3 classes, and there are 4"):
        row_losses("cost_1_2_3", target, scores)


def test_a_score_that_is_not_finite_has_no_loss() -> None:
    """Nothing was decided for the row."""
    losses = METRICS["cost_1_2"].row_loss
    assert losses is not None
    found = losses(np.array([0, 1]), np.array([[0.1, 0.9], [np.nan, np.nan]]))
    assert found[0] == 1
    assert np.isnan(found[1])


def test_a_policy_asks_for_metrics_by_name() -> None:
    """Of the comparison, floors, guardrails and conditions."""
    policy = Gate.model_validate(
        {
            "metric": "cost_1_5",
            "floors": {"recall_at_30": {"min": 0.5}},
            "guardrails": {"roc_auc": {"max_drop": 0.01}},
            "conditions": {"a": "gain.f1_at_30 > -0.01 and challenger.model_mb < 5"},
        }
    )
    assert metrics_asked(policy, "binary") == ("cost_1_5", "f1_at_30", "recall_at_30", "roc_auc")
