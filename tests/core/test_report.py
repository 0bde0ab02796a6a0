"""What a report says, from the records of a real comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ratchet.core.comparison import compare
from ratchet.core.decision import Decision, Evidence
from ratchet.core.evaluation import evaluate
from ratchet.core.gate import decide
from ratchet.core.judged import CHALLENGER, Evaluation
from ratchet.core.leakage.records import LeakageCheck, Pair, Shared
from ratchet.core.metrics import row_losses
from ratchet.core.model_record import Feature, ModelRecord, Recipe
from ratchet.core.params import Features, Gate, Model, Project
from ratchet.core.report.build import Report, build_report
from ratchet.core.report.table import Row, Section

ROWS, DAYS = 2000, 20
GATE = Gate(metric="squared_error", alpha=0.05)
RANDOM = np.random.default_rng(0)
TARGET = RANDOM.normal(size=ROWS)
CLUSTERS = np.repeat([f"2013-03-{day:02d}" for day in range(1, DAYS + 1)], ROWS // DAYS)
GOOD, BAD = (TARGET[:, None] + error * RANDOM.normal(size=(ROWS, 1)) for error in (0.5, 1.0))
ALIKE = TARGET[:, None] + 0.5 * RANDOM.normal(size=(ROWS, 1))

Scores = NDArray[np.float64]


def judged(challenger: Scores, champion: Scores, /, **changed: Any) -> Evaluation:
    facts = {
        "task": "regression", "labels": [], "reference": "champion", "champion": 3, "champion_entry": "hash",
        "challenger_is_champion": False, "refit": False, "no_comparison": "", "holdout": {"2013-03": "x"},
        "contaminated": [], "rows": ROWS, "clusters": DAYS,
    } | changed  # fmt: skip
    models = {str(facts["reference"]): champion, CHALLENGER: challenger}
    metrics = evaluate(
        "regression",
        TARGET,
        models,
        clusters=CLUSTERS if facts["clusters"] else None,
        pair=(str(facts["reference"]), CHALLENGER),
        alpha=GATE.alpha,
    )
    return Evaluation.model_validate({**facts, "metrics": metrics})


PAIRS = tuple(
    Pair(holdout=(("batch", "2013-03"), ("id", f"{row}")), training=(("batch", "2013-01"), ("id", f"{row + 90}")))
    for row in range(5)
)
NO_LEAK = LeakageCheck(
    rows=2000, training_rows=9000, exact=Shared(rows=0, expected=1.0), near=Shared(rows=0, expected=1.0, but="x"),
    keys=Shared(rows=0, expected=0.0), disorder=None, telling=(),
)  # fmt: skip


def decided(evaluation: Evaluation, challenger: Scores, champion: Scores, leakage: LeakageCheck = NO_LEAK) -> Decision:
    before, after = (row_losses(GATE.metric, TARGET, scores) for scores in (champion, challenger))
    compared = compare(before, after, CLUSTERS if evaluation.clusters else None, alpha=GATE.alpha, margin=0.0)
    evidence = Evidence(
        task="regression", metric=GATE.metric, reference=evaluation.reference, champion=evaluation.champion,
        challenger_is_champion=False, comparison=compared,
        metrics=tuple(evaluation.metrics), holdout=("2013-03",), contaminated=tuple(evaluation.contaminated),
        leakage=leakage,
    )  # fmt: skip
    return decide(evidence, GATE)


RECORD = ModelRecord(
    task="regression", target="y", features=[Feature(name="x", kind="number", nullable=False)], labels=[],
    baseline=[0.0], threshold=0.5, trained_on={"2013-01": "a", "2013-02": "b"}, rows=54_321, model_digest="d",
    libraries={},
    recipe=Recipe(
        project=Project(name="m", room="r", task="regression", target="y"), features=Features(),
        model=Model(estimator="ridge"),
    ),
)  # fmt: skip
FOLDS: dict[str, dict[str, float | None]] = {"2013-01": {"squared_error": 1500.04}, "2013-02": {"squared_error": None}}
SPREAD = {"squared_error": {"mean": 1500.04}}


def report(challenger: Scores = GOOD, champion: Scores = BAD, /, **changed: Any) -> Report:
    evaluation = judged(challenger, champion, **changed)
    decision = decided(evaluation, challenger, champion)
    return build_report(model="m", record=RECORD, decision=decision, evaluation=evaluation, folds=FOLDS, spread=SPREAD)


def section(found: Report, title: str) -> Section:
    """The section whose title starts so."""
    (only,) = (each for each in found.sections if each.title.startswith(title))
    return only


def metric(found: Report, name: str) -> Row:
    """The row of one metric in the table that compares with what serves."""
    (table,) = section(found, "What the gate compared").tables
    (only,) = (row for row in table.rows if row.cells[0].startswith(name))
    return only


def facts(found: Report) -> dict[str, str]:
    (table,) = section(found, "What was trained").tables
    return {row.cells[0]: row.cells[1] for row in table.rows}


@pytest.mark.parametrize(
    ("challenger", "champion", "verdict", "word"),
    [(GOOD, BAD, "promote", "better"), (BAD, GOOD, "reject", "worse"), (ALIKE, GOOD, "hold", "within noise")],
    ids=["better", "worse", "same"],
)  # fmt: skip
def test_a_report_says_whether_the_difference_is_real(
    challenger: Scores, champion: Scores, verdict: str, word: str
) -> None:
    """Metrics that improve, worsen and stay are told apart in words, for losses and for scores that should be high."""
    found = report(challenger, champion)
    assert found.verdict == verdict
    assert [metric(found, name).real for name in ("squared error", "r2")] == [word, word]
    assert [metric(found, name).cells[-1] for name in ("squared error", "r2")] == [word, word]


def test_a_metric_line_shows_what_was_measured() -> None:
    """Four places for both models, and the gain with its sign and its interval."""
    row = next(row for row in judged(GOOD, BAD).metrics if row.name == "squared_error")
    assert row.gain is not None
    assert metric(report(), "squared error").cells == (
        "squared error ↓",
        f"{row.models['champion'].value:.4f}",
        f"{row.models[CHALLENGER].value:.4f}",
        f"{row.gain.value:+.4f}",
        f"{row.gain.low:+.4f} to {row.gain.high:+.4f}",
        "better",
    )


def test_the_interval_is_named_by_what_it_covers() -> None:
    """Two one-sided bounds at five percent are a ninety percent interval."""
    (table,) = section(report(), "What the gate compared").tables
    assert [column.title for column in table.columns] == [
        "metric", "champion (version 3)", "challenger", "Δ", "90% interval", "is it real?",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reference", "change"),
    [
        ({}, "champion (version 3)", "code or parameters differ from the champion's"),
        ({"refit": True}, "champion (version 3)", "a refit: the champion's code and parameters, newer data"),
        (
            {"reference": "baseline", "champion": None},
            "baseline (a constant)",
            "the first model: it is compared with a constant prediction",
        ),
    ],
    ids=["change", "refit", "first"],
)
def test_a_report_says_what_was_compared_with_what(changed: dict[str, Any], reference: str, change: str) -> None:
    """A change, a refit and a first model are three things."""
    found = report(**changed)
    assert (found.against, facts(found)["change"]) == (reference, change)


def test_a_report_says_what_trained_and_what_judged() -> None:
    """Batches as a range with their number, rows with their thousands set apart."""
    told = facts(report())
    assert told["trained on"] == "2013-01 to 2013-02 (2 batches), 54,321 rows, 1 features"
    assert told["judged on"] == "2013-03, 2,000 rows that neither model was trained on"
    assert told["rows that fail together"] == "20 clusters"


def test_contaminated_rows_are_never_called_clean() -> None:
    """Where a judging batch has trained a model, the report says so, and the gate does not promote."""
    found = report(contaminated=["2013-03"])
    assert facts(found)["judged on"] == "2013-03, 2,000 rows of which 2013-03 trained a model: they show nothing"
    assert found.verdict != "promote"


def test_assumed_independence_is_a_caution() -> None:
    """Without clusters the report says what it assumes, and with them it need not."""
    independent = report(clusters=None)
    assert facts(independent)["rows that fail together"] == "assumed independent"
    assert "split.cluster" in section(independent, "What the gate compared").note
    assert "design effect" not in facts(independent)
    assert "split.cluster" not in section(report(), "What the gate compared").note


def test_folds_are_shown_with_what_is_missing() -> None:
    """A value that is not defined is a dash, large ones have their thousands set apart."""
    (table,) = section(report(), "Cross-validation").tables
    assert [column.title for column in table.columns] == ["metric", "mean", "spread (sd)", "2013-01", "2013-02"]
    assert [row.cells for row in table.rows] == [("squared error", "1,500.0", "–", "1,500.0", "–")]


def test_rows_of_a_leak_are_shown_side_by_side() -> None:
    """A leak has a table of its own: its kind, the row that judges, the training row; no leak has none."""
    evaluation = judged(GOOD, BAD)
    copies = NO_LEAK.model_copy(update={"exact": Shared(rows=500, expected=1.0, shown=PAIRS)})
    leaking, clean = (
        build_report(
            model="m", record=RECORD, decision=decided(evaluation, GOOD, BAD, check), evaluation=evaluation,
            folds=FOLDS, spread=SPREAD,
        )
        for check in (copies, NO_LEAK)
    )  # fmt: skip
    assert "reject" == leaking.verdict
    (section,) = [each for each in leaking.sections if each.title == "Rows that leak"]
    rows = section.tables[0].rows
    assert len(rows) == 5
    assert rows[0].cells == ("duplicates", "batch 2013-03, id 0", "batch 2013-01, id 90")
    assert not [each for each in clean.sections if each.title == "Rows that leak"]


def test_failed_conditions_come_first() -> None:
    """Who opens the conditions sees at once what stands against a promotion."""
    (table,) = section(report(BAD, GOOD), "Conditions").tables
    marks = [row.cells[0] for row in table.rows]
    assert marks == sorted(marks, key="❌✅".index)
    assert marks[0] == "❌"


def test_only_the_newest_folds_are_shown() -> None:
    """Mean and spread are of all folds, and the reader is told which ones are shown."""
    evaluation = judged(GOOD, BAD)
    many: dict[str, dict[str, float | None]] = {f"2013-{month:02d}": {"squared_error": 1.0} for month in range(1, 13)}
    found = build_report(
        model="m", record=RECORD, decision=decided(evaluation, GOOD, BAD), evaluation=evaluation, folds=many,
        spread=SPREAD,
    )  # fmt: skip
    shown = section(found, "Cross-validation")
    assert [column.title for column in shown.tables[0].columns][3:] == [f"2013-{month:02d}" for month in range(5, 13)]
    assert shown.note == "Shown: the newest 8 of 12 folds."


def test_without_a_base_nothing_is_said_about_one() -> None:
    """The report of a run by itself is about the champion alone."""
    found = report()
    assert (found.base, found.change_line, found.change) == ("", "", None)
    assert [each.title.split(":")[0] for each in found.sections] == [
        "What the gate compared", "Conditions of the gate", "Cross-validation", "What was trained and judged on what",
    ]  # fmt: skip
