"""A small project of its own, and its pipeline run stage by stage in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet.io import layout
from ratchet.io.champion import write_entry
from ratchet.io.files import write_text
from ratchet.io.tables import write_table
from ratchet.stages import evaluate, featurize, gate, ingest, train, validate

STAGES = {
    "ingest": ingest.run,
    "validate": validate.run,
    "featurize": featurize.run,
    "train": train.run,
    "evaluate": evaluate.run,
    "gate": gate.run,
}
ROOM = "little"

PARAMS = """
project: {name: little, room: little, task: binary, target: late}
split: {holdout: 1, folds: 2, cluster: {column: moment, every: day}}
features: {}
model: {estimator: hist_gradient_boosting, params: {max_iter: 5, min_samples_leaf: 5}}
evaluate: {}
gate: {metric: log_loss}
"""
SCHEMA = """
rows:
  key: [id]
  columns:
    id: {type: integer}
    moment: {type: timestamp}
    x: {type: number, nullable: true}
    kind: {type: string, nullable: true}
    place: {type: string}
    late: {type: boolean, nullable: true, known: after}
lookups:
  places:
    key: [place]
    columns: {place: {type: string}, height: {type: number}}
"""
FEATURES = """
def build(rows, lookups):
    heights = rows["place"].map(lookups["places"].set_index("place")["height"])
    return rows[["x", "kind"]].assign(height=heights, columns_seen=float(len(rows.columns)))


def label(rows):
    return rows["late"].astype("boolean")
"""
ROWS_PER_BATCH = 60
UNLABELLED_PER_BATCH = 3

AddBatch = Callable[[Path, int], None]
MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]


def rows(month: int) -> pa.Table:
    """One month of rows: the label follows x and kind, some values and labels are missing."""
    random = np.random.default_rng(month)
    x = random.normal(size=ROWS_PER_BATCH)
    kind = random.choice(["a", "b"], size=ROWS_PER_BATCH)
    late = x + (kind == "a") + random.normal(size=ROWS_PER_BATCH) > 0.5
    start = datetime(2020, month, 1, tzinfo=UTC)
    return pa.table(
        {
            "id": list(range(ROWS_PER_BATCH)),
            "moment": [start + timedelta(hours=5 * row) for row in range(ROWS_PER_BATCH)],
            "x": [None if row % 10 == 0 else float(x[row]) for row in range(ROWS_PER_BATCH)],
            "kind": [None if row % 15 == 0 else str(kind[row]) for row in range(ROWS_PER_BATCH)],
            "place": random.choice(["low", "high"], size=ROWS_PER_BATCH).tolist(),
            "late": [None if row < UNLABELLED_PER_BATCH else bool(late[row]) for row in range(ROWS_PER_BATCH)],
        }
    )


@pytest.fixture(scope="session")
def add_batch() -> AddBatch:
    """Puts the raw batch of one month of 2020 into a project."""

    def add(root: Path, month: int) -> None:
        write_table(root / "data" / "raw" / f"2020-{month:02d}" / "rows.parquet", rows(month))

    return add


@pytest.fixture(scope="session")
def make_project(add_batch: AddBatch) -> MakeProject:
    """Makes a project in a folder, with the raw batches of some months and no champion."""

    def make(root: Path, months: list[int]) -> Path:
        write_text(root / "params.yaml", PARAMS)
        write_text(root / "src" / ROOM / "schema.yaml", SCHEMA)
        write_text(root / "src" / ROOM / "features.py", FEATURES)
        write_table(root / "data/lookups/places.parquet", pa.table({"place": ["low", "high"], "height": [1.0, 2.0]}))
        write_entry(root / layout.CHAMPION, None)
        for month in months:
            add_batch(root, month)
        return root

    return make


@contextmanager
def _room_of_its_own() -> Iterator[None]:
    """The project's room is imported anew, and forgotten afterwards."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == ROOM]:
            del sys.modules[name]

    path = list(sys.path)
    forget()
    try:
        yield
    finally:
        forget()
        sys.path[:] = path


@pytest.fixture(scope="session")
def run_pipeline() -> RunPipeline:
    """Runs the named stages (all of them by default) on a project, each through its own `run`."""

    def run(root: Path, *names: str) -> None:
        with _room_of_its_own():
            for name in names or STAGES:
                STAGES[name](root)

    return run


@pytest.fixture(scope="session")
def outputs() -> Callable[[Path], Mapping[str, bytes]]:
    """Every file that the stages wrote, by its path in the project."""
    folders = (layout.INGESTED, layout.VALIDATION, layout.FEATURES, layout.MODEL, layout.EVALUATION, "data/metrics")

    def read(root: Path) -> Mapping[str, bytes]:
        paths = [root / layout.DECISION, *(path for folder in folders for path in (root / folder).rglob("*"))]
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(paths) if path.is_file()}

    return read


@pytest.fixture(scope="session")
def trained(make_project: MakeProject, run_pipeline: RunPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline ran over five batches. To be read, not changed."""
    root = make_project(tmp_path_factory.mktemp("trained"), [1, 2, 3, 4, 5])
    run_pipeline(root)
    return root
