"""Whatever is done to the raw batches, in whatever order: a run ends with the bytes of a run from scratch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.validation.releases import Release
from ratchet.errors import BatchRefused
from ratchet.io.batches import RawBatches
from ratchet.io.files import write_text
from ratchet.io.releases import releases_path, write_release
from ratchet.io.tables import write_table
from ratchet.stages import featurize, ingest, validate

MakeProject = Callable[[Path, list[int]], Path]
RunPipeline = Callable[..., None]
Outputs = Callable[[Path], Mapping[str, bytes]]

STAGES = ("ingest", "validate", "featurize")
SCHEMA = """
rows:
  key: [id]
  quarantine: 0.9
  columns:
    id: {type: integer}
    x: {type: number, nullable: true, max: 50}
    kind: {type: string, nullable: true}
    place: {type: string}
    late: {type: boolean, nullable: true, known: after}
  relations: [{rule: "x > -50"}]
  references: [{lookup: places, columns: [place]}]
lookups:
  places:
    key: [place]
    columns: {place: {type: string}, height: {type: number}}
"""
NAMES = ("a", "b", "c", "d")


@dataclass(frozen=True)
class Batch:
    """What a raw batch holds: its rows in some order."""

    values: tuple[float, ...]
    keys: tuple[int, ...]

    def write(self, path: Path) -> None:
        """As the raw table of a batch; some rows are out of range, some keys come twice."""
        size = len(self.values)
        columns = {
            "id": pa.array(self.keys[:size], pa.int64()),
            "x": pa.array(self.values, pa.float64()),
            "kind": pa.array(["p", "q"] * size)[:size],
            "place": pa.array(["low", "high"] * size)[:size],
            "late": pa.array([True, False, True] * size)[:size],
        }
        write_table(path, pa.table(columns))


Step = tuple[str, str, Batch]
VALUES = st.lists(st.sampled_from([-60.0, -1.5, 0.25, 3.0, 7.75, 60.0]), min_size=6, max_size=6)
KEYS = st.permutations(range(6)) | st.just([0, 1, 2, 3, 4, 4])
BATCHES = st.builds(lambda values, keys: Batch(tuple(values), tuple(keys)), VALUES, KEYS)
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(["write", "write", "remove", "release", "withdraw", "lookup"]), st.sampled_from(NAMES),
              BATCHES),
    min_size=2, max_size=4,
)  # fmt: skip


def done(root: Path, step: Step) -> None:
    """Do one step to the project: write, edit, reorder or remove a batch, release, take back, change the lookup."""
    what, name, batch = step
    raw = RawBatches(root)
    if what == "write":
        batch.write(raw.folder / name / "rows.parquet")
    elif what == "remove":
        shutil.rmtree(raw.folder / name, ignore_errors=True)
    elif what == "release":
        write_release(raw, Release(batch=name, rule="above-max", reason="so it is"))
    elif what == "withdraw":
        releases_path(raw, name).unlink(missing_ok=True)
    else:
        places = pa.table({"place": ["low", "high"], "height": [batch.values[0] + 100, 2.0]})
        write_table(root / "data" / "lookups" / "places.parquet", places)


def ran(root: Path, run_pipeline: RunPipeline) -> str:
    """Run the stages; what refused a batch, if one was refused."""
    try:
        run_pipeline(root, *STAGES)
    except BatchRefused as refused:
        return refused.message
    return ""


@pytest.fixture(autouse=True, scope="module")
def _one_code() -> Iterator[None]:
    """The code does not change while this runs, not even where somebody is editing it."""
    with pytest.MonkeyPatch.context() as patch:
        for stage in (ingest, validate, featurize):
            patch.setattr(stage, "code_digest", lambda *_: "one code")
        yield


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.lists(BATCHES, min_size=1, max_size=4), steps=STEPS)
def test_incremental_is_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, make_project: MakeProject, run_pipeline: RunPipeline, outputs: Outputs,
    start: list[Batch], steps: list[Step],
) -> None:  # fmt: skip
    """Add, remove, edit, reorder, release and take back, a run after each: at the end no byte tells the way."""
    root = _project(tmp_path_factory, make_project)
    for name, batch in zip(NAMES, start, strict=False):
        batch.write(root / "data" / "raw" / name / "rows.parquet")
    ran(root, run_pipeline)
    for step in steps:
        done(root, step)
        said = ran(root, run_pipeline)
    fresh = _project(tmp_path_factory, make_project)
    for folder in ("raw", "lookups"):
        shutil.copytree(root / "data" / folder, fresh / "data" / folder, dirs_exist_ok=True)
    assert ran(fresh, run_pipeline) == said
    if not said:
        one, other = outputs(root), outputs(fresh)
        assert sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)) == []


def _project(factory: pytest.TempPathFactory, make_project: MakeProject) -> Path:
    root = make_project(factory.mktemp("project"), [])
    write_text(root / "src" / "little" / "schema.yaml", SCHEMA)
    params = root / "params.yaml"
    cluster = ", cluster: {column: moment, every: day}"
    write_text(params, params.read_text(encoding="utf-8").replace(cluster, ""))
    (root / "data" / "raw").mkdir(parents=True, exist_ok=True)
    return root
