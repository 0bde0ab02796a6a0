"""The gate looks for leakage in what the stages wrote: a leaking project is rejected, and says by what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ratchet.core.decision import Condition, Decision
from ratchet.core.gate import decide
from ratchet.core.leakage.condition import leakage
from ratchet.core.leakage.lines import lines
from ratchet.core.split import plan_split
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.leakage import find_leakage, find_open_leakage
from ratchet.io.room import read_params
from ratchet.io.tables import write_table

AddBatch = Callable[[Path, int], None]
MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]


def decision_of(root: Path) -> Decision:
    return Decision.model_validate_json((root / layout.DECISION).read_bytes())


def condition(decision: Decision) -> Condition:
    return next(each for each in decision.conditions if each.name == "leakage")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained project, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_an_honest_project_has_none(trained: Path) -> None:
    """Rows are numbered anew in each batch, which is no leak; all rows were compared."""
    decision = decision_of(trained)
    found = decision.evidence.leakage
    assert found is not None
    assert condition(decision).passed
    assert (found.rows, found.training_rows, found.keys.rows) == (57, 4 * 57, 57)
    assert [*lines(decision)] == []


def test_an_outcome_among_the_features_is_rejected_by_name(
    make_project: MakeProject, run_pipeline: RunPipeline, tmp_path: Path
) -> None:
    """Somebody says that the outcome is known before, and makes a feature of it: the gate names it, and shows rows."""
    root = make_project(tmp_path, [1, 2, 3, 4])
    edit(root / "src/little/schema.yaml", "nullable: true, known: after}", "nullable: true}")
    edit(root / "src/little/features.py", "columns_seen=", 'outcome=rows["late"].astype("float64"), columns_seen=')
    run_pipeline(root)
    decision = decision_of(root)
    failed = condition(decision)
    assert ("reject", True) == (decision.verdict, failed.harm)
    assert "the feature outcome alone tells the label, ROC AUC 1" in decision.reason
    assert "leave outcome out of build()" in decision.would_change
    shown = [*lines(decision)]
    assert any("outcome 1, label True" in line for line in shown)
    assert any("outcome 0, label False" in line for line in shown)
    assert decide(decision.evidence, decision.policy) == decision


def test_judging_rows_in_a_training_batch_are_rejected(root: Path, run_pipeline: RunPipeline) -> None:
    """The rows of the newest batch were also appended to an older one, under other numbers."""
    older, newest = (root / f"data/raw/2020-0{month}/rows.parquet" for month in (3, 5))
    rows = [pq.read_table(path) for path in (older, newest)]
    again = rows[1].slice(0, 30)
    again = again.set_column(0, "id", pc.add(again.column("id"), 1000))
    write_table(older, pa.concat_tables([rows[0], again]))
    run_pipeline(root)
    decision = decision_of(root)
    assert decision.verdict == "reject"
    assert "rows that judge have the features and the label of a training row" in decision.reason
    found = decision.evidence.leakage
    assert found is not None
    assert found.exact.rows >= 27 > found.exact.expected
    assert "duplicates: judging row batch 2020-05, id 3; training row batch 2020-03, id 1003" in [*lines(decision)]


def test_limits_are_parameters(root: Path, run_pipeline: RunPipeline) -> None:
    """A project may allow what it knows to be right."""
    edit(root / "params.yaml", "gate: {metric: log_loss}", "gate: {metric: log_loss, leakage: {feature: 0.5}}")
    run_pipeline(root, "evaluate", "gate")
    assert "gate.leakage.feature allows 0.5" in condition(decision_of(root)).sentence


def test_no_check_no_promotion(root: Path, run_pipeline: RunPipeline) -> None:
    """An evaluation from before leakage was looked for does not promote."""
    path = root / layout.SEALED / "evidence.json"
    record = json.loads(path.read_bytes())
    del record["leakage"]
    path.write_text(json.dumps(record), encoding="utf-8")
    run_pipeline(root, "gate")
    assert (False, False) == ((found := condition(decision_of(root))).passed, found.harm)


def test_the_time_of_a_row_is_found_by_its_key(root: Path) -> None:
    """A time that is no part of the key is read from the rows that validation left, whatever their order."""
    edit(root / "src/little/schema.yaml", "key: [id]", "key: [id]\n  time: moment")
    store = UnitStore(root / layout.FEATURES)
    params = read_params(root)
    plan = plan_split(store.names(), holdout=1, folds=2)
    found = find_leakage(root, plan, params).disorder
    assert found is not None
    assert (found.rows, found.newest_training[:10], found.oldest_holdout[:10]) == (0, "2020-04-13", "2020-05-01")


def test_open_rows_lie_among_those_that_train_or_have_no_time(root: Path) -> None:
    """Nobody asks whether they come later, and the sentence says which of the two it is."""

    def told() -> str:
        params = read_params(root)
        params = params.model_copy(update={"split": params.split.model_copy(update={"open": 0.3})})
        plan = plan_split(UnitStore(root / layout.FEATURES).names(), holdout=1, folds=2)
        found = find_open_leakage(root, plan, params)
        return leakage(found, params.gate.leakage, params.project.task).sentence

    assert "rows have no time" in told()
    edit(root / "src/little/schema.yaml", "key: [id]", "key: [id]\n  time: moment")
    assert "rows have no time" not in (sentence := told())
    assert "in time they lie among those that train" in sentence
