"""The lineage of a run is read from what lies around it, and is the same for the same state."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ratchet.core.lineage_record import Lineage
from ratchet.core.params import Params
from ratchet.core.schema import ROWS
from ratchet.core.validation.records import Finding, TableCount, ValidationReport
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.git import git
from ratchet.io.lineage import lineage_of
from ratchet.io.machine import environment, machine
from ratchet.io.room import read_params
from ratchet.io.tables import write_table

PARAMS = """
project: {name: m, room: shop, task: regression, target: y}
split: {}
features: {}
model: {estimator: ridge, seed: 7}
evaluate: {}
gate: {metric: squared_error}
"""
SCHEMA = "rows: {key: [id], time: at, columns: {id: {type: integer}, at: {type: timestamp}}}\n"
POINTER = "outs:\n- md5: 64a5f9724a367782d88cea9781626a5d.dir\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: b1\n"
TIMES = [datetime(2013, 1, day, 12, tzinfo=UTC) for day in (3, 1, 2)]


def _ingest(name: str, folder: Path) -> None:
    write_table(folder / f"{ROWS}.parquet", pa.table({"id": [1, 2, 3], "at": TIMES}))


def _validate(name: str, folder: Path) -> None:
    warning = Finding(table=ROWS, column="id", rule="odd", level="warn", sentence="it is odd", count=1)
    report = ValidationReport(
        batch=name, tables={ROWS: TableCount(rows=3, quarantined=1)}, findings=(warning,), compared_with=()
    )
    files.write_json(folder / "report.json", report.model_dump(mode="json"))


@pytest.fixture
def project(repository: Callable[[str], Path]) -> Path:
    """A committed project of one batch, ingested and validated."""
    root = repository("project")
    files.write_text(root / "params.yaml", PARAMS)
    files.write_text(root / "src" / "shop" / "schema.yaml", SCHEMA)
    files.write_text(root / "src" / "shop" / "features.py", "x = 1\n")
    files.write_text(root / "data" / "raw" / "b1.dvc", POINTER)
    files.write_text(root / layout.LOCK, "stages: {}\n")
    files.write_text(root / ".gitignore", "/data/ingested\n/data/validation\n")
    UnitStore(root / layout.INGESTED).update({"b1": "k"}, _ingest)
    UnitStore(root / layout.VALIDATION).update({"b1": "k"}, _validate)
    git(["add", "-A"], cwd=root)
    git(["commit", "--quiet", "-m", "all"], cwd=root)
    return root


def read(root: Path, params: Params | None = None) -> Lineage:
    used = {"training": {"b1": "f1"}, "judging": {"b2": "f2"}}
    return lineage_of(root, params or read_params(root), root / "src" / "shop", used)  # type: ignore[arg-type]  # literals


def test_a_batch_is_named_with_what_became_of_it(project: Path) -> None:
    """Its digest in git, its counts, and the time of its rows; of one that is not here, that nobody knows."""
    here, gone = read(project).batches
    assert (here.raw, here.features) == ("64a5f9724a367782d88cea9781626a5d.dir", "f1")
    assert (here.rows, here.quarantined, here.warnings) == (3, 1, 1)
    assert (here.first, here.last) == ("2013-01-01T12:00:00+00:00", "2013-01-03T12:00:00+00:00")
    assert (gone.name, gone.used_for, gone.raw, gone.rows, gone.first) == ("b2", "judging", "", None, None)


def test_a_run_that_is_committed_is_clean_whatever_it_wrote(project: Path) -> None:
    """The lock and the decision are what came out; a file of code that differs, or is new, is what went in."""
    files.write_text(project / layout.LOCK, "stages: {x: {}}\n")
    files.write_text(project / layout.DECISION, "{}\n")
    found = read(project).commit
    assert (found.clean, found.changes, found.commit) == (True, 0, git(["rev-parse", "HEAD"], cwd=project))
    files.write_text(project / "src" / "shop" / "features.py", "x = 2\n")
    files.write_text(project / "src" / "shop" / "mörg en.py", "")
    found = read(project).commit
    assert not found.clean
    assert found.changed == ("src/shop/features.py", "src/shop/mörg en.py")


def test_outside_of_a_repository_nothing_is_clean(project: Path) -> None:
    """No commit says what was run."""
    shutil.rmtree(project / ".git")
    assert (read(project).commit.commit, read(project).commit.clean) == ("", False)


def test_the_same_state_gives_the_same_record(project: Path) -> None:
    """It reads back equal; another parameter, seed, feature function or column shows in a digest of its own."""
    before = read(project)
    assert before == read(project) == Lineage.model_validate_json(before.model_dump_json())
    assert before.seed == 7
    params = read_params(project)
    assert read(project, params.model_copy(update={"model": params.model.model_copy(update={"seed": 8})})).seed == 8
    files.write_text(project / "src" / "shop" / "features.py", "x = 2\n")
    files.write_text(project / "src" / "shop" / "schema.yaml", SCHEMA + "\n")
    files.write_text(project / "params.yaml", PARAMS.replace("ridge", "linear"))
    after = read(project)
    assert all(getattr(before, name) != getattr(after, name) for name in ("room", "data_schema", "params", "commit"))
    assert (before.lock, before.code) == (after.lock, after.code)


def test_the_environment_is_what_is_installed(tmp_path: Path) -> None:
    """Packages by their common names; the lock by its bytes, if there is one."""
    (tmp_path / ".git").mkdir()
    found = environment(tmp_path)
    assert found.packages["numpy"] == np.__version__
    assert "scikit-learn" in found.packages
    assert found.lock == ""
    files.write_text(tmp_path / "requirements" / "run.txt", "numpy==1\n")
    locked = environment(tmp_path)
    assert (locked.lock, locked.digest) == (files.digest(tmp_path / "requirements" / "run.txt"), found.digest)


def test_the_machine_says_how_many_threads_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number where somebody said one, nothing where the library decides."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    found = machine()
    assert (found.threads["OMP_NUM_THREADS"], found.threads["MKL_NUM_THREADS"]) == ("3", None)
    assert found.cores >= 1
    assert all((found.system, found.architecture, found.processor))


def test_the_machine_says_by_which_code_libraries_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a variable chose, and of all that a processor has its vector instructions; None where nothing is named."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    for text, processor, vectors in (
        ("model name\t: A B\nflags\t\t: fpu avx2 fma sse2 vmx\n\nflags\t\t: avx9\n", "A B", ("avx2", "fma", "sse2")),
        ("Features\t: fp asimd sve crc32\n", None, ("asimd", "sve")),
        ("", None, None),
    ):
        (tmp_path / "cpuinfo").write_text(text, encoding="utf-8")
        monkeypatch.setattr("ratchet.io.machine.CPU_INFO", tmp_path / "cpuinfo")
        found = machine()
        assert found.vectors == vectors
        assert processor in (None, found.processor)
        assert found.kernels is not None
        assert (found.kernels["OPENBLAS_CORETYPE"], found.kernels["MKL_CBWR"]) == ("Haswell", None)
