"""What is evaluated is what is served: one artefact, scored on rows that it never saw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ratchet.core.decision import Decision
from ratchet.core.feature_table import TARGET, model_inputs
from ratchet.core.gate import decide
from ratchet.core.judged import CHALLENGER, CHAMPION, Evaluation, scores_of
from ratchet.core.ledger import append
from ratchet.core.ledger_entries import Change
from ratchet.core.scoring import Scores, frame, score
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.champion import write_entry
from ratchet.io.tables import read_frame, read_table

RunPipeline = Callable[..., None]

HOLDOUT = "2020-05"
LABELLED = 57
"""Rows of a batch that have a label."""


@pytest.fixture(scope="module")
def predictions(trained: Path) -> pd.DataFrame:
    """What evaluate wrote: one line per judged row."""
    return read_frame(trained / layout.EVALUATION / "predictions.parquet")


def features_of(root: Path, batch: str) -> pd.DataFrame:
    return read_frame(UnitStore(root / layout.FEATURES).file(batch, "features.parquet"))


def scored(model: Path, features: pd.DataFrame) -> Scores:
    """The scores of a model folder for raw features."""
    loaded = model_folder.read(model)
    return score(loaded.pipeline, loaded.record.task, model_inputs(features, loaded.record.features))


def evaluation_of(root: Path) -> Evaluation:
    return Evaluation.model_validate_json((root / layout.EVALUATION / "evaluation.json").read_bytes())


def test_evaluation_scored_with_the_model_that_is_stored(trained: Path, predictions: pd.DataFrame) -> None:
    """Scoring the held-out features again with the model from its folder gives the very same numbers."""
    again = scored(trained / layout.MODEL, features_of(trained, HOLDOUT))
    np.testing.assert_array_equal(scores_of(pa.Table.from_pandas(predictions), CHALLENGER), again)


def test_the_model_takes_raw_features(trained: Path) -> None:
    """Texts, categories that training never saw and missing values are scored: preprocessing is inside."""
    loaded = model_folder.read(trained / layout.MODEL)
    assert [feature.kind for feature in loaded.record.features] == ["number", "category", "number", "number"]
    table = frame(
        loaded.record.features,
        {"x": [None, 1], "kind": ["never seen", None], "height": [None, 2.0], "columns_seen": [5, 5]},
    )
    probabilities = score(loaded.pipeline, "binary", table)
    np.testing.assert_allclose(probabilities.sum(axis=1), [1.0, 1.0])


def test_the_judges_rows_are_no_training_rows(trained: Path, predictions: pd.DataFrame) -> None:
    """The newest batch judges and all older ones train; rows without a label do neither."""
    record = model_folder.read_record(trained / layout.MODEL)
    evaluation = evaluation_of(trained)
    assert list(record.trained_on) == ["2020-01", "2020-02", "2020-03", "2020-04"]
    assert (list(evaluation.holdout), evaluation.contaminated) == ([HOLDOUT], [])
    assert (record.rows, evaluation.rows, len(predictions)) == (4 * LABELLED, LABELLED, LABELLED)


def test_feature_functions_never_see_an_outcome(trained: Path) -> None:
    """The function was given every column but the one that is known only after."""
    assert set(features_of(trained, HOLDOUT)["columns_seen"]) == {5.0}


def test_lineage_names_the_features_by_their_digest(trained: Path) -> None:
    """What a model was trained on and judged on is what lies in the folder of features."""
    store = UnitStore(trained / layout.FEATURES)
    used = {**model_folder.read_record(trained / layout.MODEL).trained_on, **evaluation_of(trained).holdout}
    assert used == {name: files.digest(store.file(name, "features.parquet")) for name in store.names()}


def test_a_decision_can_be_made_again_from_its_own_record(trained: Path) -> None:
    """The stored evidence and policy give the stored decision, whatever the code around them does."""
    decision = Decision.model_validate_json((trained / layout.DECISION).read_bytes())
    assert decide(decision.evidence, decision.policy) == decision
    assert (decision.evidence.reference, decision.evidence.champion) == ("baseline", None)


def test_metrics_for_dvc_are_those_of_the_evaluation(trained: Path) -> None:
    """The flat file that is committed says what the full record says."""
    flat = json.loads((trained / layout.EVALUATE_METRICS).read_text(encoding="utf-8"))
    rows = evaluation_of(trained).metrics
    assert flat[CHALLENGER] == {row.name: row.models[CHALLENGER].value for row in rows}
    assert flat["gain"] == {row.name: row.gain.value for row in rows if row.gain}


def crown(root: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Let the project's own model be its champion, sealed with its room; returns what it says of the held-out rows."""
    folder = root / layout.CHAMPION
    model_folder.copy(root / layout.MODEL, folder)
    model_folder.copy_room(root / "src" / "little", folder)
    seal = model_folder.write_seal(folder)
    record = model_folder.read_record(folder)
    change = Change(
        kind="promotion", model="little", version=1, replaces=None, run_id="r", fingerprint="f",
        model_digest=record.model_digest, seal=seal, decision_digest="d", commit="c", trained_on=record.trained_on,
        metrics={}, actor="a", time="2026-01-01T00:00:00+00:00", reason="",
    )  # fmt: skip
    write_entry(folder, append([], change))
    return scored(root / layout.MODEL, features_of(root, HOLDOUT))


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained project, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_a_champion_is_scored_on_the_same_rows(root: Path, run_pipeline: RunPipeline) -> None:
    """A model that is its own champion says the same twice, gains nothing, and is known to be the same."""
    before = crown(root)
    run_pipeline(root, "evaluate", "gate")
    table, evaluation = read_table(root / layout.EVALUATION / "predictions.parquet"), evaluation_of(root)
    np.testing.assert_array_equal(scores_of(table, CHAMPION), before)
    np.testing.assert_array_equal(scores_of(table, CHALLENGER), before)
    assert (evaluation.reference, evaluation.champion, evaluation.challenger_is_champion) == ("champion", 1, True)
    assert {row.name: row.gain.value for row in evaluation.metrics if row.gain} == {
        row.name: 0.0 for row in evaluation.metrics if row.gain
    }


@pytest.mark.filterwarnings("ignore:Series.values returning an ndarray that drops timezone")  # pyarrow, with pandas 3.1
def test_a_champion_of_an_older_room_is_given_its_own_features(root: Path, run_pipeline: RunPipeline) -> None:
    """The room has other features now; the champion's scores are what they were, and its folder is left alone."""
    before = crown(root)
    path = root / "src" / "little" / "features.py"
    path.write_text(path.read_text(encoding="utf-8").replace('rows[["x", "kind"]]', 'rows[["x"]]'), encoding="utf-8")
    sealed = sorted((root / layout.CHAMPION).rglob("*"))
    run_pipeline(root, "featurize", "train", "evaluate")
    table, evaluation = read_table(root / layout.EVALUATION / "predictions.parquet"), evaluation_of(root)
    assert [feature.name for feature in model_folder.read_record(root / layout.MODEL).features] == [
        "x",
        "height",
        "columns_seen",
    ]
    np.testing.assert_array_equal(scores_of(table, CHAMPION), before)
    assert (evaluation.refit, evaluation.no_comparison, evaluation.challenger_is_champion) == (False, "", False)
    assert sorted((root / layout.CHAMPION).rglob("*")) == sealed


def test_rows_that_the_champion_was_trained_on_are_called_contaminated(root: Path, run_pipeline: RunPipeline) -> None:
    """Where the judge's batch has trained the champion, it is named, and the gate does not promote."""
    crown(root)
    (root / "data/raw/2020-05/rows.parquet").unlink()
    (root / "data/raw/2020-05").rmdir()
    run_pipeline(root)
    assert evaluation_of(root).contaminated == ["2020-04"]
    decision = Decision.model_validate_json((root / layout.DECISION).read_bytes())
    assert decision.verdict != "promote"


def test_the_target_travels_with_the_predictions(trained: Path, predictions: pd.DataFrame) -> None:
    """Each judged row has the label that its batch gave it, encoded in the order of the scores."""
    labels = read_frame(UnitStore(trained / layout.FEATURES).file(HOLDOUT, "labels.parquet"))
    assert predictions[TARGET].tolist() == [int(value) for value in labels[TARGET]]
    assert predictions["id"].tolist() == labels["id"].tolist()
