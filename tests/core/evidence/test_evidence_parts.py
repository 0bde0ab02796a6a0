"""What conditions of one's own ask to be measured, and what the gate makes of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ratchet.core.decision import Condition, Evidence
from ratchet.core.evaluation import evaluate
from ratchet.core.evidence.asked import columns_asked, costs_asked
from ratchet.core.evidence.parts import part_estimates
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.findings import Cost
from ratchet.core.gate.own import own
from ratchet.core.params import Gate

MakeRows = Callable[..., JudgedRows]
PAIR = Pair("champion", "challenger")
GAIN_AT_EWR = 'gain.log_loss[origin = "EWR"]'


def policy(**conditions: str) -> Gate:
    """A gate with these conditions and no others."""
    return Gate.model_validate({"metric": "log_loss", "conditions": conditions})


def evidence(rows: JudgedRows, asked: Gate, **known: Any) -> Evidence:
    """What an evaluation of the rows would write."""
    metrics = evaluate(rows.task, rows.target, rows.scores, clusters=rows.clusters, pair=PAIR, alpha=asked.alpha)
    facts: dict[str, Any] = {
        "task": rows.task,
        "metric": asked.metric,
        "reference": "champion",
        "champion": 3,
        "challenger_is_champion": False,
        "comparison": None,
        "metrics": tuple(metrics),
        "parts": part_estimates(rows, asked, PAIR),
        "holdout": ("2013-07",),
        "contaminated": (),
    }
    return Evidence(**{**facts, **known})


def judged(rows: JudgedRows, text: str, **known: Any) -> Condition:
    """The condition that a text becomes."""
    asked = policy(mine=text)
    (one,) = own(evidence(rows, asked, **known), asked)
    assert one.name == "own:mine"
    return one


def test_a_part_is_measured_as_its_rows_alone_would_be(make_rows: MakeRows) -> None:
    """Gain, challenger and champion on a slice, of a loss and of a ranking, are those of an evaluation of its rows."""
    rows = make_rows(1, worse=0.5)
    where = '[distance > 500 and origin = "EWR"]'
    texts = [
        f"{whose}.{metric}{where}" for whose in ("gain", "challenger", "champion") for metric in ("brier", "roc_auc")
    ]
    found = part_estimates(rows, policy(**{f"c{i}": f"{text} > 0.1" for i, text in enumerate(texts)}), PAIR)
    chosen = ((rows.table["origin"] == "EWR") & (rows.table["distance"] > 500)).to_numpy()
    part = rows.only(chosen)
    alone = {
        row.name: row
        for row in evaluate("binary", part.target, part.scores, clusters=part.clusters, pair=PAIR, alpha=0.1)
    }
    assert sorted(found) == sorted(texts)
    for metric in ("brier", "roc_auc"):
        assert found[f"gain.{metric}{where}"] == alone[metric].gain
        assert found[f"challenger.{metric}{where}"] == alone[metric].models["challenger"]
        assert found[f"champion.{metric}{where}"] == alone[metric].models["champion"]


def test_what_cannot_be_measured_is_not_there(make_rows: MakeRows) -> None:
    """A column that is missing or of another type, no champion; a slice of no rows is there and undefined."""
    rows = make_rows(1)
    asked = policy(
        a='gain.log_loss[orgin = "EWR"] > 0',
        b="gain.log_loss[origin > 3] > 0",
        c='gain.log_loss[origin = "XXX"] > 0',
        d="gain.log_loss > 0",
        e="not a condition",
        f="challenger.model_mb < 3",
    )
    found = part_estimates(rows, asked, PAIR)
    assert {name: (one.value, one.rows) for name, one in found.items()} == {'gain.log_loss[origin = "XXX"]': (None, 0)}
    alone = replace(rows, scores={"challenger": rows.scores["challenger"]})
    assert part_estimates(alone, policy(a=f"{GAIN_AT_EWR} > 0"), PAIR) == {}


@pytest.mark.parametrize(
    ("text", "passed", "harm"),
    [
        (f"{GAIN_AT_EWR} < -0.01", True, False),
        (f"{GAIN_AT_EWR} > -0.01", False, True),
        (f"not {GAIN_AT_EWR} > -0.01", True, False),
        ('challenger.roc_auc > 0.6 and gain.brier[origin != "EWR"] > -0.05', True, False),
        ('gain.brier[origin = "JFK"] > -0.01 at 0.0001', False, False),
        ('gain.log_loss[orgin = "EWR"] > -1', False, False),
        ('gain.log_loss[origin = "XXX"] > -1', False, False),
        (f"{GAIN_AT_EWR} > -0.01 or champion.accuracy > 0.5", True, False),
    ],
)
def test_shown_true_passes_shown_false_is_harm(make_rows: MakeRows, text: str, passed: bool, harm: bool) -> None:
    """And what is not shown is neither; a failure says what would mend it."""
    one = judged(make_rows(5, worse=2.0), text)
    assert (one.passed, one.harm) == (passed, harm)
    assert bool(one.remedy) == (not passed)
    assert one.sentence


def test_a_single_comparison_carries_its_numbers(make_rows: MakeRows) -> None:
    """Estimate, bounds at its own level, limit, rows and clusters."""
    rows = make_rows(5, worse=2.0)
    one = judged(rows, f"{GAIN_AT_EWR} > -0.01 at 0.25")
    assert one.estimate is not None
    assert one.low is not None
    assert one.high is not None
    assert one.low < one.estimate < one.high
    assert (one.threshold, one.rows, one.clusters) == (-0.01, int((rows.table["origin"] == "EWR").sum()), 20)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gain.log_los > 0", "gate.conditions.mine: log_los is no metric of binary"),
        ("gain.log_loss >", "gate.conditions.mine: the text ends here"),
        ("gain.rmse > 0", "gate.conditions.mine: rmse is a metric of regression"),
        ("", "gate.conditions.mine: the text ends here"),
        ("champion.brier > challenger.brier", "gate.conditions.mine: two models are compared"),
    ],
)
def test_a_mistake_in_the_text_fails_in_one_line(make_rows: MakeRows, text: str, says: str) -> None:
    """It holds, says where to mend it, and raises nothing, neither here nor where things are measured."""
    one = judged(make_rows(1), text)
    assert (one.passed, one.harm) == (False, False)
    assert one.sentence.startswith(says)
    assert "\n" not in one.sentence
    assert "params.yaml" in one.remedy


def test_too_few_clusters_show_nothing(make_rows: MakeRows) -> None:
    """The gate's own minimum holds for its conditions as well."""
    one = judged(make_rows(5, days=6, a_day=200, worse=2.0), f"{GAIN_AT_EWR} < -0.01")
    assert (one.passed, one.harm) == (False, False)
    assert "6 clusters, and 7 are needed" in one.sentence


@pytest.mark.parametrize(
    ("costs", "passed", "harm"),
    [
        ({"model_mb": Cost(challenger=3.0, reference=4.0)}, True, False),
        ({"model_mb": Cost(challenger=8.0, reference=4.0)}, False, True),
        ({"model_mb": Cost(challenger=3.0, reference=None)}, False, False),
        ({}, False, False),
    ],
)
def test_costs_of_both_models_are_compared(
    make_rows: MakeRows, costs: Mapping[str, Cost], passed: bool, harm: bool
) -> None:
    """What was not measured shows nothing."""
    one = judged(make_rows(1), "challenger.model_mb <= 1.25 * champion.model_mb", costs=costs)
    assert (one.passed, one.harm) == (passed, harm)


def test_a_cost_of_what_does_not_serve_says_what_to_use(make_rows: MakeRows) -> None:
    """The first promotion is not barred for ever without a word."""
    known: dict[str, Any] = {"costs": {"model_mb": Cost(challenger=3.0, reference=None)}, "reference": "baseline"}
    one = judged(make_rows(1), "challenger.model_mb <= champion.model_mb", champion=None, **known)
    assert (one.passed, one.harm) == (False, False)
    assert "gate.costs" in one.remedy


def test_what_a_policy_asks_for() -> None:
    """Columns of slices, gaps and conditions, and costs of limits and conditions; a mistake asks for nothing."""
    asked = Gate.model_validate(
        {
            "metric": "log_loss",
            "slices": {"by": ["carrier"]},
            "fairness": {"sex": {"loss_gap": {"max": 0.1}}},
            "costs": {"model_mb": {"max": 10}},
            "conditions": {
                "a": 'gain.brier[origin = "EWR" and `time zone` != "UTC"] > 0',
                "b": "challenger.latency_p95_ms < 50",
                "c": 'gain.nothing[hidden = "x"] > 0',
            },
        }
    )
    assert columns_asked(asked, "binary") == {"carrier", "sex", "origin", "time zone"}
    assert costs_asked(asked, "binary") == ("latency_p95_ms", "model_mb")
    assert costs_asked(policy(), "binary") == ()


def test_the_language_is_not_loaded_without_conditions() -> None:
    """To decide by a policy without conditions imports no parser."""
    code = "import sys, ratchet.core.gate, ratchet.core.evidence.asked; print({'lark', 'pandas'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_every_part_is_plain_json_and_reads_back(make_rows: MakeRows) -> None:
    """The evidence with its parts is equal to itself after a round trip, and decides the same."""
    rows = make_rows(5, worse=2.0)
    asked = policy(mine=f"{GAIN_AT_EWR} < -0.01")
    one = evidence(rows, asked)
    again = Evidence.model_validate_json(one.model_dump_json())
    assert again == one
    assert list(own(again, asked)) == list(own(one, asked))
    assert np.isfinite(one.parts[GAIN_AT_EWR].value or np.nan)
