"""How long stages took: what a run remembers, what the commit of its lock says, and what others read of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.io import timings
from ratchet.io.git import MACHINE, git

STAGE = """
import sys, types
from pathlib import Path
from ratchet.errors import DataRefused
from ratchet.stages.__main__ import main

def run(root):
    if sys.argv[1] == "refuses":
        raise DataRefused("no")

sys.modules["ratchet.stages.gate"] = types.SimpleNamespace(run=run)
sys.exit(main("gate", Path.cwd()))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a lock."""
    git(["init", "--quiet", "--initial-branch=main", str(tmp_path)], cwd=tmp_path)
    (tmp_path / "dvc.lock").write_text("stages: {}\n", encoding="utf-8")
    return tmp_path


def commit(root: Path, message: str, lock: str) -> None:
    (root / "dvc.lock").write_text(lock, encoding="utf-8")
    git(["add", "dvc.lock"], cwd=root)
    git(["commit", "--quiet", "-m", message], cwd=root, env=MACHINE)


def remember(root: Path, whole: bool = True, goes_on: timings.LastRun | None = None, **seconds: float) -> None:
    timings.write_last_run(root, seconds=seconds, restored=["ingest"], whole=whole, goes_on=goes_on)


def test_stages_report_to_the_run_that_watches_them(root: Path) -> None:
    """What they append is read, a line cut short is not; afterwards neither file nor variable is left."""
    with timings.stopwatch(root) as watch:
        assert watch.seconds() == {}
        file = Path(os.environ[timings.VARIABLE])
        file.write_text('{"stage": "train", "seconds": 1.5}\nnull\n{"stage": "evalu', encoding="utf-8")
        assert watch.seconds() == {"train": 1.5}
    assert not file.exists()
    assert timings.VARIABLE not in os.environ


@pytest.mark.parametrize(("does", "code", "said"), [("works", 0, ["gate"]), ("refuses", 3, [])])
def test_a_stage_that_ends_well_says_how_long_it_took(root: Path, does: str, code: int, said: list[str]) -> None:
    """The process that dvc.yaml runs appends one line of its name and seconds; one that is refused says nothing."""
    with timings.stopwatch(root) as watch:
        environment = {**os.environ, "PYTHONPATH": str(Path(timings.__file__).parents[2])}
        done = subprocess.run([sys.executable, "-c", STAGE, does], check=False, cwd=root, env=environment)
        seconds = watch.seconds()
    assert (done.returncode, list(seconds)) == (code, said)
    assert all(0 <= each < 60 for each in seconds.values())


def test_a_run_is_remembered_for_its_own_lock(root: Path) -> None:
    """With another lock it is not what led here, although how long its stages took is still known."""
    assert timings.run_of_lock(root) is None
    remember(root, train=12.06, evaluate=3.0)
    found = timings.run_of_lock(root)
    assert found is not None
    assert (found.seconds, found.restored) == ({"train": 12.06, "evaluate": 3.0}, ["ingest"])
    assert timings.trailer(root) == "Stage-seconds: evaluate=3.0 train=12.1"
    (root / "dvc.lock").write_text("stages: {other: {}}\n", encoding="utf-8")
    assert timings.run_of_lock(root) is None
    assert timings.trailer(root) == ""
    remember(root, train=1.0)
    last = timings.read_last_run(root)
    assert last is not None
    assert last.last == {"train": 1.0, "evaluate": 3.0}


def test_a_run_that_completes_a_broken_one_counts_with_it(root: Path) -> None:
    """What the broken one computed belongs to the lock, too; a stage counts once, as computed."""
    remember(root, whole=False, train=12.0)
    remember(root, goes_on=timings.run_of_lock(root), ingest=0.5)
    found = timings.run_of_lock(root)
    assert found is not None
    assert (found.seconds, found.whole) == ({"train": 12.0, "ingest": 0.5}, True)


def test_a_damaged_memory_is_none(root: Path) -> None:
    """Half a file, or one of another form, is as if there was no run."""
    (root / ".ratchet").mkdir()
    (root / timings.LAST_RUN).write_text('{"lock": ', encoding="utf-8")
    assert timings.read_last_run(root) is None
    assert timings.last_seconds(root) == {}


def test_other_clones_learn_from_the_commits_of_the_lock(root: Path) -> None:
    """The newest commit that names a stage counts; what ran here counts more; other commits are not asked."""
    commit(root, "Reproduce 1\n\nThe lock.\n\nStage-seconds: ingest=2.0 train=99.5", "1")
    commit(root, "By hand\n\nNothing about time.", "2")
    commit(root, "Reproduce 3\n\nThe lock.\n\nStage-seconds: train=12.1 evaluate=3.0", "3")
    message = "Elsewhere\n\nStage-seconds: train=0.1"
    git(["commit", "--quiet", "--allow-empty", "-m", message], cwd=root, env=MACHINE)
    assert timings.last_seconds(root) == {"ingest": 2.0, "train": 12.1, "evaluate": 3.0}
    remember(root, evaluate=4.5)
    assert timings.last_seconds(root) == {"ingest": 2.0, "train": 12.1, "evaluate": 4.5}


def test_what_a_person_writes_into_a_trailer_is_read_as_far_as_it_is_one() -> None:
    """Words that are no stage and seconds are skipped, as are numbers that no stage takes."""
    assert timings.parse_trailers("train=1e9 gate=nan <b>=1 ok=2.5 =3 long=1234567890123 ok=9") == {"ok": 2.5}


def test_the_stages_and_the_run_mean_the_same_variable() -> None:
    """The stages import nothing for it, so the name stands in two files."""
    text = (Path(timings.__file__).parents[1] / "stages" / "__main__.py").read_text(encoding="utf-8")
    assert f'os.environ.get("{timings.VARIABLE}")' in text
