"""What preprocessing did to training rows is written down and shown, by the stage and by the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from ratchet.core.decision import Decision
from ratchet.core.judged import Evaluation
from ratchet.core.report.build import build_report
from ratchet.errors import UsageError
from ratchet.io import layout, model_folder
from ratchet.io.render import render_html, render_markdown

SECTION = "features: {outliers: {action: clip, rule: bounds, high: 1.0}, columns: {x: {missing: mean}}}"
RunPipeline = Callable[..., None]


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """The trained project with another section `features`."""
    root = Path(shutil.copytree(trained, tmp_path / "project"))
    params = (root / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(params.replace("features: {}", SECTION), encoding="utf-8")
    return root


def features(root: Path, months: range) -> pd.DataFrame:
    folders = [root / layout.FEATURES / f"2020-{month:02d}" for month in months]
    return pd.concat([pd.read_parquet(folder / "features.parquet") for folder in folders])


def test_counts_are_in_the_metrics_the_record_and_the_report(
    project: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are those of the four months that train, counted again here; the one that judges is not among them."""
    run_pipeline(project, "train", "evaluate", "gate")
    rows = features(project, range(1, 5))
    high, missing = int((rows["x"] > 1).sum()), int(rows["x"].isna().sum())
    record = model_folder.read_record(project / layout.MODEL)
    metrics = json.loads((project / layout.TRAIN_METRICS).read_bytes())
    heights = int((rows["height"] > 1).sum())
    lines = [
        f"columns_seen: outliers clipped: {len(rows):,} above 1",
        f"height: outliers clipped: {heights:,} above 1",
        f"x: outliers clipped: {high:,} above 1",
        f"x: missing values filled in {missing:,} rows",
    ]
    assert record.preprocessing.lines() == lines
    assert metrics["preprocessing"] == record.preprocessing.model_dump(exclude_defaults=True)
    said = "".join(capsys.readouterr())
    assert [line for line in lines if f"train: {line}" in said] == lines
    report = build_report(
        model="little",
        record=record,
        decision=Decision.model_validate_json((project / layout.DECISION).read_bytes()),
        evaluation=Evaluation.model_validate_json((project / layout.EVALUATION / "evaluation.json").read_bytes()),
        folds=metrics["folds"],
        spread=metrics["spread"],
    )
    (section,) = (each for each in report.sections if each.title == "What preprocessing did")
    assert [row.cells[0] for row in section.tables[0].rows] == lines
    assert lines[0] in render_markdown(report)
    assert lines[0] in render_html(report, project / layout.EVALUATION)


def test_without_preprocessing_nothing_is_said(trained: Path) -> None:
    """No key in the metrics, and an empty record."""
    assert json.loads((trained / layout.TRAIN_METRICS).read_bytes()).keys() == {"folds", "spread"}
    assert model_folder.read_record(trained / layout.MODEL).preprocessing.lines() == []


def test_the_outputs_are_the_same_again(
    project: Path, run_pipeline: RunPipeline, outputs: Callable[[Path], Mapping[str, bytes]]
) -> None:
    """The same rows and parameters give the same files, byte for byte."""
    run_pipeline(project, "train")
    first = outputs(project)
    run_pipeline(project, "train")
    assert outputs(project) == first


def test_a_column_that_is_not_there_stops_the_stage(project: Path, run_pipeline: RunPipeline) -> None:
    """Before anything is fitted, and with the nearest name."""
    params = (project / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(params.replace("{x: {missing", "{heigt: {missing"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"features\.columns\.heigt: .* did you mean height"):
        run_pipeline(project, "train")


def test_a_fold_with_a_class_that_comes_up_in_it_is_scored_without_those_rows(
    trained: Path, tmp_path: Path, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training goes on, and says how many rows of which fold had no score."""
    root = Path(shutil.copytree(trained, tmp_path / "project"))
    params = (root / "params.yaml").read_text(encoding="utf-8").replace("task: binary", "task: multiclass")
    (root / "params.yaml").write_text(params, encoding="utf-8")
    room = root / "src" / "little" / "features.py"
    room.write_text(room.read_text(encoding="utf-8").replace(BINARY, THREE), encoding="utf-8")
    run_pipeline(root, "featurize", "train")
    metrics = json.loads((root / layout.TRAIN_METRICS).read_bytes())
    unscored = metrics["unscored"]["2020-03"]
    assert (sorted(metrics["folds"]), sorted(metrics["unscored"])) == (["2020-03", "2020-04"], ["2020-03"])
    assert f"but for {unscored} of 57 rows: no batch before has their class" in "".join(capsys.readouterr())


BINARY = 'return rows["late"].astype("boolean")'
THREE = """
    known = rows["late"].map({True: "late", False: "early"})
    return known.mask((rows["moment"].dt.month >= 3) & (rows["x"] > 1) & known.notna(), "cancelled")
"""
