"""DVC in a real project: stages that refuse keep their exit code, and raw batches do not change unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import DataRefused, ServiceFailed, StageFailed
from ratchet.io import dvc
from ratchet.io.git import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value will soon raise:DeprecationWarning")
"""What pygtrie says of how DVC uses it."""

PIPELINE = """
stages:
  copy:
    cmd: cp data/raw/a/rows.csv copy.txt
    deps: [data/raw]
    outs: [copy.txt]
  judge:
    cmd: python judge.py
    deps: [copy.txt, judge.py]
    outs: [verdict.txt]
"""
JUDGE = 'open("verdict.txt", "w").write("yes")\n'


@pytest.fixture
def root(repository: Callable[[str], Path]) -> Path:
    """A project with one raw batch and a pipeline of two stages."""
    from dvc.repo import Repo

    root = repository("project")
    with Repo.init(str(root)):
        pass
    (root / "dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    (root / "judge.py").write_text(JUDGE, encoding="utf-8")
    (root / "data" / "raw" / "a").mkdir(parents=True)
    (root / "data" / "raw" / "a" / "rows.csv").write_text("x\n1\n", encoding="utf-8")
    with dvc.project(root, None) as repo:
        dvc.add(repo, [root / "data" / "raw" / "a"])
    return root


def test_a_pipeline_runs_once_and_then_only_what_changed(root: Path) -> None:
    """The stages that ran are named in their order; nothing changed, nothing runs."""
    with dvc.project(root, None) as repo:
        first, again = dvc.reproduce(repo, dvc.pipeline(repo)), dvc.reproduce(repo, dvc.pipeline(repo))
        (root / "judge.py").write_text(JUDGE + "\n", encoding="utf-8")
        changed = dvc.reproduce(repo, dvc.pipeline(repo))
        assert (first, again, changed) == (["copy", "judge"], [], ["judge"])
        assert dvc.status(repo) == {}


@pytest.mark.parametrize("place", ["data", ".."], ids=["below", "above"])
def test_the_current_folder_makes_no_difference(root: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """From a subfolder or from outside, the project's own pipeline runs, things have the same names, and we stay."""
    monkeypatch.chdir(root / place)
    here = Path.cwd()
    (root / "data" / "raw" / "a" / "more.csv").write_text("", encoding="utf-8")
    with dvc.project(root, None) as repo:
        assert sorted(dvc.status(repo)) == ["copy", "data/raw/a.dvc", "judge"]
        assert dvc.reproduce(repo, dvc.pipeline(repo)) == ["copy", "judge"]
    assert Path.cwd() == here


@pytest.mark.parametrize("code", [1, 3, 5])
def test_a_stage_that_ends_early_keeps_its_exit_code(root: Path, code: int) -> None:
    """What a stage refuses is refused with the same code by whoever ran the pipeline, and the stage is named."""
    (root / "judge.py").write_text(f"raise SystemExit({code})\n", encoding="utf-8")
    with pytest.raises(StageFailed) as failed, dvc.project(root, None) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))
    assert failed.value.exit_code == code
    assert failed.value.message == f"stage judge ended with exit code {code}; later stages did not run"
    assert (root / "copy.txt").is_file()


def test_after_a_stage_was_mended_the_pipeline_goes_on_there(root: Path) -> None:
    """What ran before the failure is not run again."""
    (root / "judge.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(StageFailed), dvc.project(root, None) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))
    (root / "judge.py").write_text(JUDGE, encoding="utf-8")
    with dvc.project(root, None) as repo:
        assert dvc.reproduce(repo, dvc.pipeline(repo)) == ["judge"]


def test_a_broken_pipeline_file_is_an_outside_failure(root: Path) -> None:
    """DVC's own words come through, with an exit code that is no crash."""
    (root / "dvc.yaml").write_text("stages: {copy: {}}\n", encoding="utf-8")
    with pytest.raises(ServiceFailed, match=r"^dvc: "), dvc.project(root, None) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))


def test_a_folder_that_is_no_project_is_an_outside_failure(tmp_path: Path) -> None:
    """Outside a DVC project, that is what is said."""
    with pytest.raises(ServiceFailed, match=r"^dvc: .*not inside of a DVC repository"), dvc.project(tmp_path, None):
        pytest.fail("there is no project")


SPOILS: dict[str, Callable[[Path], object]] = {
    "modified": lambda batch: (batch / "rows.csv").write_text("x\n2\n", encoding="utf-8"),
    "added to": lambda batch: (batch / "more.csv").write_text("", encoding="utf-8"),
    "deleted": shutil.rmtree,
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_changed_raw_batch_is_refused_by_name(root: Path, spoil: str) -> None:
    """Batches are immutable: one that was edited, extended or deleted is named before anything runs on it."""
    batch = root / "data" / "raw" / "a"
    (batch / "rows.csv").chmod(0o644)
    SPOILS[spoil](batch)
    with dvc.project(root, None) as repo:
        found = dvc.status(repo)
    with pytest.raises(DataRefused, match=r"data/raw/a \((modified|deleted)\)"):
        dvc.require_untouched_data(found)


def test_untouched_data_passes(root: Path) -> None:
    """Stages that are out of date are no changed data."""
    with dvc.project(root, None) as repo:
        found = dvc.status(repo)
    assert sorted(found) == ["copy", "judge"]
    dvc.require_untouched_data(found)


def test_data_travels_through_the_remote(root: Path, tmp_path: Path) -> None:
    """What one clone pushes another pulls: data, outputs and the run cache, so that nothing is computed twice."""
    remote = str(tmp_path / "storage")
    with dvc.project(root, remote) as repo:
        dvc.reproduce(repo, dvc.pipeline(repo))
        assert dvc.push(repo) > 0
    git(["add", "-A"], cwd=root)
    git(["commit", "--quiet", "-m", "second"], cwd=root)
    git(["clone", "--quiet", str(root), "clone"], cwd=tmp_path)
    with dvc.project(tmp_path / "clone", remote) as repo:
        dvc.pull(repo)
        assert dvc.reproduce(repo, dvc.pipeline(repo)) == []
    clone = tmp_path / "clone"
    assert (clone / "verdict.txt").read_text(encoding="utf-8") == "yes"
    assert (clone / "data" / "raw" / "a" / "rows.csv").read_text(encoding="utf-8") == "x\n1\n"


def test_a_remote_of_the_projects_own_is_known(root: Path) -> None:
    """A default remote in DVC's configuration counts, also in the part that is not committed."""
    before = dvc.has_remote(root)
    (root / ".dvc" / "config.local").write_text("[core]\n    remote = storage\n", encoding="utf-8")
    assert (before, dvc.has_remote(root)) == (False, True)


def test_stages_are_named_in_the_order_in_which_they_need_each_other(root: Path) -> None:
    """Whatever order dvc.yaml has them in, and data with a `.dvc` file is no stage."""
    stages = (root / "dvc.yaml").read_text(encoding="utf-8")
    first, second = stages.index("  copy:"), stages.index("  judge:")
    (root / "dvc.yaml").write_text(stages[:first] + stages[second:] + stages[first:second], encoding="utf-8")
    with dvc.project(root, None) as repo:
        assert dvc.pipeline(repo) == ["copy", "judge"]
