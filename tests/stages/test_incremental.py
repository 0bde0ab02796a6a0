"""New data costs the new data, and what comes out is byte for byte what a run from scratch writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import ratchet.stages
from ratchet.errors import BatchRefused
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.stages import featurize, ingest, validate

AddBatch = Callable[[Path, int], None]
MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]
Outputs = Callable[[Path], Mapping[str, bytes]]

PER_BATCH = {"ingest": layout.INGESTED, "validate": layout.VALIDATION, "featurize": layout.FEATURES}


def differing(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """The files that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def stamps(root: Path) -> dict[Path, int]:
    """When each file of a batch was written."""
    return {path: path.stat().st_mtime_ns for folder in PER_BATCH.values() for path in (root / folder).glob("*/*")}


def test_batches_one_by_one_end_where_a_run_from_scratch_does(
    tmp_path: Path, trained: Path, make_project: MakeProject, add_batch: AddBatch, run_pipeline: RunPipeline,
    outputs: Outputs,
) -> None:  # fmt: skip
    """Adding batches in turn, a late one among them, ends with the bytes of a run over all of them at once."""
    root = make_project(tmp_path, [1, 2, 4])
    run_pipeline(root)
    add_batch(root, 5)
    run_pipeline(root, "ingest", "validate", "featurize")
    add_batch(root, 3)
    run_pipeline(root)
    assert len(outputs(root)) > 30
    assert differing(outputs(root), outputs(trained)) == []


def test_a_removed_batch_leaves_no_trace(
    tmp_path: Path, make_project: MakeProject, run_pipeline: RunPipeline, outputs: Outputs
) -> None:
    """After a batch is taken away, the per-batch outputs are those of a project that never had it."""
    with_more = make_project(tmp_path / "more", [1, 2, 3])
    run_pipeline(with_more, *PER_BATCH)
    for path in sorted((with_more / "data/raw/2020-02").glob("*")):
        path.unlink()
    (with_more / "data/raw/2020-02").rmdir()
    run_pipeline(with_more, *PER_BATCH)
    without = make_project(tmp_path / "without", [1, 3])
    run_pipeline(without, *PER_BATCH)
    assert differing(outputs(with_more), outputs(without)) == []


def test_only_the_new_batch_is_made(
    tmp_path: Path, make_project: MakeProject, add_batch: AddBatch, run_pipeline: RunPipeline,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Each per-batch stage makes one unit and leaves the files of the others alone."""
    root = make_project(tmp_path, [1, 2, 3])
    run_pipeline(root, *PER_BATCH)
    before = stamps(root)
    add_batch(root, 4)
    capsys.readouterr()
    run_pipeline(root, *PER_BATCH)
    said = [line for line in capsys.readouterr().out.splitlines() if ": made" in line]
    assert said == ["ingest: made 1, kept 4", "validate: made 1, kept 4", "featurize: made 1, kept 3"]
    after = stamps(root)
    assert {path for path in after if path.parent.name != "2020-04"} == set(before)
    assert {path: after[path] for path in before} == before


def test_a_second_run_makes_nothing(
    tmp_path: Path, make_project: MakeProject, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing changed: everything is kept."""
    root = make_project(tmp_path, [1, 2])
    run_pipeline(root, *PER_BATCH)
    capsys.readouterr()
    run_pipeline(root, *PER_BATCH)
    assert capsys.readouterr().out.splitlines() == [
        "ingest: made 0, kept 3",
        "validate: made 0, kept 3",
        "featurize: made 0, kept 2",
    ]


@pytest.mark.parametrize("stage", [ingest, validate, featurize], ids=lambda module: module.__name__.rpartition(".")[2])
def test_other_code_makes_everything_again(
    tmp_path: Path, make_project: MakeProject, run_pipeline: RunPipeline, monkeypatch: pytest.MonkeyPatch, stage: object
) -> None:
    """When the digest of the code changes, no unit of the stage is kept."""
    name = getattr(stage, "__name__", "").rpartition(".")[2]
    root = make_project(tmp_path, [1, 2])
    run_pipeline(root, *PER_BATCH)
    store = UnitStore(root / PER_BATCH[name])
    before = store.manifest().units
    monkeypatch.setattr(stage, "code_digest", lambda *packages: f"other code of {packages}")
    run_pipeline(root, name)
    after = store.manifest().units
    assert {unit: recorded.files for unit, recorded in after.items()} == {
        unit: recorded.files for unit, recorded in before.items()
    }
    assert [unit for unit in after if after[unit].key == before[unit].key] == []


def test_another_feature_function_makes_all_features_again(
    tmp_path: Path, make_project: MakeProject, run_pipeline: RunPipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change of the room's code reaches every batch of features, and nothing before them."""
    root = make_project(tmp_path, [1, 2])
    run_pipeline(root, *PER_BATCH)
    path = root / "src" / "little" / "features.py"
    path.write_text(path.read_text(encoding="utf-8").replace('["x", "kind"]', '["x"]'), encoding="utf-8")
    capsys.readouterr()
    run_pipeline(root, *PER_BATCH)
    said = [line for line in capsys.readouterr().out.splitlines() if ": made" in line]
    assert said == ["ingest: made 0, kept 3", "validate: made 0, kept 3", "featurize: made 2, kept 0"]


def test_a_refused_batch_stops_the_pipeline_and_costs_nothing_else(
    tmp_path: Path, make_project: MakeProject, add_batch: AddBatch, run_pipeline: RunPipeline
) -> None:
    """The batch is named, nothing of it is recorded, and without it the pipeline goes on where it was."""
    root = make_project(tmp_path, [1, 2])
    run_pipeline(root, *PER_BATCH)
    before = stamps(root)
    bad = root / "data" / "raw" / "2020-03" / "rows.csv"
    bad.parent.mkdir()
    bad.write_text("id,moment\n1,2020-03-01\n", encoding="utf-8")
    with pytest.raises(BatchRefused, match=r"batch 2020-03 is refused:(.|\n)*rows\.x: required column is missing"):
        run_pipeline(root, "ingest")
    assert UnitStore(root / layout.INGESTED).names() == ["2020-01", "2020-02"]
    bad.unlink()
    bad.parent.rmdir()
    run_pipeline(root, *PER_BATCH)
    assert stamps(root) == before


@pytest.mark.slow
def test_another_process_in_another_place_writes_the_same_bytes(
    tmp_path: Path, make_project: MakeProject, outputs: Outputs
) -> None:
    """Neither the hash seed nor memory addresses nor the folder's name show in what the stages write."""
    program = (
        "import sys, pathlib\n"
        "from ratchet.stages.__main__ import STAGES, main\n"
        "sys.exit(max(main(name, pathlib.Path(sys.argv[1])) for name in STAGES))\n"
    )
    source = str(Path(ratchet.stages.__file__).parents[2])
    roots = [make_project(tmp_path / name, [1, 2, 3]) for name in ("one", "another-place")]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(root)],
            env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
        )
        for root, seed in zip(roots, ("1", "4711"), strict=True)
    ]
    assert [process.wait() for process in running] == [0, 0]
    assert len(outputs(roots[0])) > 20
    assert differing(outputs(roots[0]), outputs(roots[1])) == []
