"""A report of a sealed decision: the bit, the budget, and on which rows everything else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ratchet.core import gate_status
from ratchet.core.alpha_ledger import Question
from ratchet.core.alpha_level import Level
from ratchet.core.decision import Condition, Decision, Evidence, Look, Seal
from ratchet.core.findings import Estimate, MetricRow
from ratchet.core.gate_params import Reuse
from ratchet.core.judged import Evaluation
from ratchet.core.looked_at import LookedAt
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Gate, Model, Project
from ratchet.core.report.build import Report, build_report
from ratchet.core.report.open_numbers import open_numbers
from ratchet.io.render import render_html, render_markdown

QUESTION = Question(holdout="h", rows="r", challenger="c", champion="e", policy="p")
SPENT = Level(
    alpha=0.00125, run=3, promotions=0, unknown=0, fresh=False, cached=False, answer=None, runs_left=17, exhausted=""
)
SEAL = Seal(evidence="1" * 64, decision="2" * 64, batches=("2013-07",), rows=28_110, clusters=31)
ROWS = "On 24,311 open rows in 27 clusters that no model was trained on."
BUDGET = "look 3 at 2013-07, at level 0.00125; 17 more are in the budget"


def estimate(value: float) -> Estimate:
    return Estimate(
        value=value, low=value - 0.01, high=value + 0.01, standard_error=0.008, rows=24_311, clusters=27,
        assumed_independent=False,
    )  # fmt: skip


def decision(*, promoted: bool, **evidence: Any) -> Decision:
    words = "" if promoted else "not "
    answer = Condition(
        name="sealed", passed=promoted, sentence=f"{words}all that the policy asks for is shown on the sealed rows"
    )
    return Decision(
        verdict="promote" if promoted else "hold",
        reason=answer.sentence,
        would_change="",
        missing=None,
        conditions=(Condition(name="charged", passed=True, sentence=BUDGET), answer),
        policy=Gate(metric="log_loss", reuse=Reuse(policy="ledger")),
        evidence=Evidence(
            task="binary", metric="log_loss", reference="champion", champion=1, challenger_is_champion=False,
            comparison=None, no_comparison="sealed", metrics=(), holdout=("2013-07",), contaminated=(),
            look=Look(question=QUESTION, level=SPENT), **evidence,
        ),
        seal=SEAL,
    )  # fmt: skip


EVALUATION = Evaluation(
    task="binary", labels=["no", "yes"], reference="champion", champion=1, champion_entry="e",
    challenger_is_champion=False, refit=False, no_comparison="", holdout={"2013-07": "a"}, contaminated=[], rows=24_311,
    clusters=27,
    metrics=[
        MetricRow(
            name="log_loss", meaning="the mean loss", direction="lower",
            models={"champion": estimate(0.5591), "challenger": estimate(0.5387)}, gain=estimate(0.0204),
        )
    ],
    looked_at=LookedAt(kind="open", batches={"2013-01": "a", "2013-06": "b"}, rows=24_311, clusters=27),
)  # fmt: skip
RECORD = ModelRecord(
    task="binary", target="late", features=[Feature(name="f", kind="number", nullable=False)], labels=["no", "yes"],
    baseline=[0.75, 0.25], threshold=0.5, trained_on={"2013-01": "a"}, rows=100, open=0.15, model_digest="d",
    libraries={},
    recipe=Recipe(
        project=Project(name="flights-late", room="flights", task="binary", target="late"), features=Features(),
        model=Model(estimator="ridge"),
    ),
)  # fmt: skip


def report(made: Decision) -> Report:
    return build_report(
        model="flights-late", record=RECORD, decision=made, evaluation=EVALUATION, folds={}, spread={}, change=None
    )


@pytest.mark.parametrize(("promoted", "word"), [(True, "promote"), (False, "not promoted")])
def test_the_report_says_the_bit_the_budget_and_the_rows_it_shows(tmp_path: Path, *, promoted: bool, word: str) -> None:
    """In Markdown and on the page; a hold is not told from a reject."""
    made = report(decision(promoted=promoted))
    markdown, page = render_markdown(made), render_html(made, tmp_path)
    assert f"flights-late: {word}\n" in markdown
    assert f'<span class="verdict">{word}</span>' in page
    for text in (markdown, page):
        assert BUDGET in text
        assert ROWS in text
        assert "The 28,110 rows of 2013-07 are sealed" in text
        assert "2013-07, 28,110 sealed rows that neither model was trained on" in text
        assert "What the gate compared" not in text


def test_every_table_of_open_rows_says_so() -> None:
    """A section with numbers of a model on rows names them, or is about training."""
    for section in report(decision(promoted=True)).sections:
        named = ROWS in section.note
        assert named == (section.title == "The same two models on open rows: against the champion (version 1)")


def test_the_status_says_the_bit_and_the_budget() -> None:
    """Where something that may be told failed, that is why; otherwise the rows say no more than no."""
    assert gate_status.of_decision(decision(promoted=True)) == gate_status.GateStatus(
        state="success", description=f"promote: {BUDGET}"
    )
    assert gate_status.of_decision(decision(promoted=False)).description == f"not promoted: {BUDGET}"
    leaking = Condition(name="leakage", passed=False, sentence="12 rows are in training too")
    refused = decision(promoted=False)
    refused = refused.model_copy(update={"conditions": (leaking, *refused.conditions)})
    assert gate_status.of_decision(refused).description == "not promoted: 12 rows are in training too"


def test_open_numbers_are_lines_for_a_terminal() -> None:
    """The rows first, then each metric of both models with the gain."""
    assert list(open_numbers(EVALUATION)) == [
        "On 24,311 open rows of 2013-01 to 2013-06 that neither model was trained on:",
        "  log loss: 0.5387, champion (version 1) 0.5591, gain +0.0204 (+0.0104 to +0.0304): better",
    ]
