"""Conditions that can be read and make no sense are refused at the character; those that do are accepted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from ratchet.core.conditions.check import Columns, check
from ratchet.core.conditions.parse import parse
from ratchet.core.conditions.tree import COSTS
from ratchet.core.conditions.words import canonical
from ratchet.core.gate_params import CostName
from ratchet.core.metrics import metrics_for
from ratchet.core.params import Task
from ratchet.errors import UsageError

PAGE = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text(encoding="utf-8")
COLUMNS: Columns = {
    "origin": "string",
    "distance": "integer",
    "delay": "number",
    "late": "boolean",
    "when": "timestamp",
    "is_hub": None,
    "departure hour": "integer",
}


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("challenger.roc_auk > 0.5", 11, "roc_auk is no metric of binary, did you mean roc_auc?"),
        ("challenger.zzz > 0.5", 11, "known are log_loss, roc_auc"),
        ("challenger.rmse < 3", 11, "rmse is a metric of regression, and this project is binary"),
        ("gain.ece[orgin = 'EWR'] > 0", 9, "orgin is no column, did you mean origin?"),
        ("gain.ece[origin = 3] > 0", 9, "the type of origin is string, and it is compared with a number"),
        ("gain.ece[distance = '3'] > 0", 9, "the type of distance is integer, and it is compared with a text"),
        ("gain.ece[distance = true] > 0", 9, "compared with true or false"),
        ("gain.ece[when > 3] > 0", 9, "the type of when is timestamp"),
        ("challenger.roc_auc >= champion.roc_auc", 22, "write gain.roc_auc (positive is better) and a number"),
        ("challenger.ece - champion.ece < 0.1", 17, "write gain.ece (positive is better) and a number"),
        ("challenger.ece[late = true] < challenger.ece", 30, "has one measured number, and here is a second"),
        ("gain.ece > gain.brier", 11, "has one measured number"),
        ("gain.ece * gain.ece > 0", 11, "has one measured number"),
        ("1 / gain.ece > 0", 4, "nothing is divided by a measured number"),
        ("gain.ece / (1 - 1) > 0", 9, "divides by zero"),
        ("gain.ece * 0 > 0", 13, "multiplied by 0"),
        ("gain.ece > 1e308 * 1e308", 17, "too large for a number"),
        ("1e-300 * gain.ece > 1e300", 18, "the limit is too large"),
        ("1 < 2", 2, "nothing measured is compared here"),
        ("0.5 between challenger.ece and 1", 4, "what is measured stands in front of between"),
        ("gain.ece between 1 and 1", 23, "nothing can lie between them"),
        ("gain.ece between 0 and gain.brier", 23, "has one measured number"),
        ("challenger.latency_p95_ms < gain.ece", 28, "a metric and what a model costs are not compared"),
        ("gain.model_mb > 0", 0, "write challenger.model_mb <= champion.model_mb"),
        ("challenger.model_mb[late = true] < 3", 11, "model_mb is of the model, and has no slices"),
        ("challenger.model_mb < 3 at 0.05", 27, "there is no level"),
        ("challenger.model_mb < champion.latency_p95_ms", 20, "MB and ms do not fit together"),
        ("challenger.model_mb + champion.latency_p95_ms < 3", 20, "MB and ms do not fit together"),
        ("challenger.model_mb * champion.model_mb < 3", 20, "MB times MB is nothing"),
        ("1 / champion.model_mb < 3", 2, "a number divided by MB is nothing"),
        ("challenger.model_mb / 0 < 3", 20, "divides by zero"),
        ("3 between challenger.model_mb and 4", 2, "what is measured stands in front of between"),
    ],
)
def test_nonsense_is_refused_at_its_character(text: str, column: int, said: str) -> None:
    """Unknown names, wrong types, units that do not fit, and numbers without an interval of their own are refused."""
    with pytest.raises(UsageError) as error:
        check(parse(text, name="mine"), "binary", COLUMNS)
    first, *_, caret = error.value.message.split("\n")
    assert first.startswith("gate.conditions.mine: ")
    assert said in first
    assert column == caret.index("^") - 4


@pytest.mark.parametrize(
    "text",
    [
        "100 * gain.roc_auc - 1 > -(2 + 3) / 4",
        "-challenger.ece > -0.1 at 0.01",
        "0.65 <= challenger.roc_auc",
        "gain.ece[late = false and origin != 'EWR' and delay <= -3.5 and is_hub = 'yes'] > 0",
        "gain.ece[`departure hour` < 9] > 0",
        "challenger.latency_p95_ms / champion.latency_p95_ms <= 1.25",
        "challenger.latency_p95_ms - champion.latency_p50_ms <= 5 + 2 * champion.latency_p95_ms",
        "challenger.model_mb between 1 and 1.5 * champion.model_mb",
    ],
)
def test_sense_is_accepted(text: str) -> None:
    """Linear arithmetic on one metric, slices by all types, and arithmetic on costs in one unit are conditions."""
    check(parse(text), "binary", COLUMNS)


@pytest.mark.parametrize("task", get_args(Task))
def test_every_metric_and_cost_can_be_named(task: Task) -> None:
    """A condition may name each metric of its task, of either model or gained, and each cost that the gate knows."""
    assert set(get_args(CostName)) == set(COSTS)
    for metric in metrics_for(task):
        for whose in ("challenger", "champion", "gain"):
            check(parse(f"{whose}.{metric.name} > 0"), task)
    for cost in COSTS:
        check(parse(f"challenger.{cost} <= champion.{cost}"), task)


def test_columns_are_checked_only_where_they_are_known() -> None:
    """Before there is a schema a slice may name anything; with one that has no columns it may name nothing."""
    check(parse("gain.ece[anything = 3] > 0"), "binary")
    with pytest.raises(UsageError, match="anything is no column"):
        check(parse("gain.ece[anything = 3] > 0"), "binary", {})


def test_the_page_says_what_is_true() -> None:
    """Every condition in the page's example is accepted, and everything it says cannot be said is refused."""
    example = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["gate"]["conditions"]
    assert {"ranking", "no_harm", "hub", "either", "cost"} == set(example)
    for name, text in example.items():
        requirement = parse(text, name=name)
        check(requirement, "binary", COLUMNS)
        assert text == canonical(requirement)
    rows = PAGE.split("## What cannot be said")[1].split("\n\n")[1].splitlines()[2:]
    for text in (re.findall(r"`([^`]+)`", row)[0] for row in rows):
        with pytest.raises(UsageError):
            check(parse(text), "binary", COLUMNS)
    shown = PAGE.split("A mistake is shown where it is:\n\n```\n")[1].split("\n```")[0]
    with pytest.raises(UsageError) as error:
        check(parse("challenger.roc_auk >= 0.65", name="ranking"), "binary")
    assert shown == str(error.value)
