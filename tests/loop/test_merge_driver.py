"""Two branches that each reproduced the pipeline come together: git merges the locks, DVC runs what is missing."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ratchet.errors import ServiceFailed
from ratchet.flows.merge_driver import install
from ratchet.io.git import git

if TYPE_CHECKING:
    from tests.loop.conftest import Kept, Sandbox

ROOT = Path(__file__).resolve().parents[2]
DATA_STAGES = ["ingest", "validate", "featurize"]
MODEL_STAGES = ["train", "evaluate", "gate"]


def stages(sandbox: Sandbox, commit: str = "") -> dict[str, Any]:
    """The stages of the lock in the work tree, or in a commit."""
    text = sandbox.git("show", f"{commit}:dvc.lock") if commit else (sandbox.root / "dvc.lock").read_text("utf-8")
    return dict(yaml.safe_load(text)["stages"])


def ran(said: str) -> list[str]:
    """The stages that DVC says it ran, not those it took from its run cache."""
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def is_clean(sandbox: Sandbox) -> bool:
    """Whether DVC finds the lock, the outputs and the inputs to agree."""
    said = sandbox.run([sys.executable, "-m", "dvc", "status"])
    assert said.code == 0, said
    return "up to date" in said.out


def change_model(sandbox: Sandbox, alpha: float) -> str:
    """Another parameter, reproduced and committed."""
    sandbox.set_params(model={"params": {"alpha": alpha}})
    sandbox.ok("run")
    return sandbox.commit(f"Alpha {alpha}")


@pytest.fixture(scope="session")
def _branches(_computed: Kept) -> Kept:
    sandbox, computed = _computed
    sandbox.restore(computed)
    shutil.copyfile(ROOT / ".gitattributes", sandbox.root / ".gitattributes")
    sandbox.ok("merge-driver", "install")
    sandbox.commit("Say how locks are merged")
    sandbox.git("switch", "--quiet", "--create", "data")
    sandbox.ok("data", "pull", "--until", "part-05")
    sandbox.ok("run")
    sandbox.commit("Add part-05")
    sandbox.git("switch", "--quiet", "main")
    leave_data(sandbox)
    sandbox.git("switch", "--quiet", "--create", "model")
    change_model(sandbox, 2.0)
    return sandbox, sandbox.keep(computed.with_name("branches"))


@pytest.fixture
def branches(_branches: Kept) -> Sandbox:
    """On main stand a branch `data`, with a batch more, and `model`, with another parameter, each reproduced."""
    sandbox, place = _branches
    sandbox.restore(place)
    return sandbox


def leave_data(sandbox: Sandbox) -> None:
    """Make the work tree's data that of the branch that is checked out, which knows no part-05."""
    shutil.rmtree(sandbox.root / "data" / "raw" / "part-05")
    assert sandbox.run([sys.executable, "-m", "dvc", "checkout", "--quiet"]).code == 0


def merged(sandbox: Sandbox, *arguments: str) -> None:
    """Merge, and bring the data that the merge names into the work tree."""
    sandbox.git("merge", "--quiet", *arguments)
    sandbox.ok("data", "fetch")


@pytest.mark.slow
@pytest.mark.xdist_group("branches")
def test_locks_of_two_branches_merge_and_the_rest_runs(branches: Sandbox) -> None:
    """The new data's stages are taken and the model is trained with the new parameter; the other way round, it is
    restored.
    """
    sandbox = branches
    sandbox.git("push", "--quiet", "origin", "data", "model")
    merged(sandbox, "--no-edit", "data")
    both = stages(sandbox)
    assert list(both) == DATA_STAGES
    assert both == {name: stages(sandbox, "data")[name] for name in DATA_STAGES}
    assert list(sandbox.root.glob("data/metrics/*.json")) != []
    sandbox.ok("run")
    assert is_clean(sandbox)
    assert stages(sandbox)["train"]["params"]["params.yaml"]["model"]["params"] == {"alpha": 2.0}
    assert stages(sandbox)["train"]["deps"][0] == stages(sandbox, "data")["train"]["deps"][0]
    reproduced, model = stages(sandbox), sandbox.digests("data/model")

    sandbox.git("reset", "--quiet", "--hard")
    sandbox.git("switch", "--quiet", "data")
    merged(sandbox, "--no-edit", "origin/model")
    assert stages(sandbox) == both
    said = sandbox.ratchet("run")
    assert (said.code, ran(said.out + said.error)) == (0, [])
    assert stages(sandbox) == reproduced
    assert sandbox.digests("data/model") == model


@pytest.mark.slow
@pytest.mark.xdist_group("branches")
def test_a_squash_and_a_rewritten_branch_merge_alike(branches: Sandbox) -> None:
    """After a squash the next branch merges by the same rule, also when its history was written anew and pushed."""
    sandbox = branches
    sandbox.git("push", "--quiet", "origin", "model")
    sandbox.git("switch", "--quiet", "main")
    merged(sandbox, "--squash", "data")
    sandbox.commit("Add part-05 (#1)")
    assert stages(sandbox) == stages(sandbox, "data")

    sandbox.git("switch", "--quiet", "model")
    sandbox.git("reset", "--quiet", "--hard", "model~1")
    leave_data(sandbox)
    change_model(sandbox, 3.0)
    sandbox.git("push", "--quiet", "--force", "origin", "model")
    sandbox.git("switch", "--quiet", "main")
    merged(sandbox, "--squash", "origin/model")
    assert list(stages(sandbox)) == DATA_STAGES
    sandbox.ok("run")
    sandbox.commit("Alpha 3 (#2)")
    assert is_clean(sandbox)
    assert stages(sandbox)["train"]["params"]["params.yaml"]["model"]["params"] == {"alpha": 3.0}
    assert set(stages(sandbox)) == {*DATA_STAGES, *MODEL_STAGES}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without a pipeline, whose locks are merged by the driver."""
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    root = tmp_path / "repository"
    root.mkdir()
    git(["init", "--quiet", "--initial-branch=main"], cwd=root)
    shutil.copyfile(ROOT / ".gitattributes", root / ".gitattributes")
    assert install(root)
    return root


def commit_lock(root: Path, text: str) -> None:
    """Commit a dvc.lock and a decision that say `text`."""
    (root / "data").mkdir(exist_ok=True)
    (root / "dvc.lock").write_text(text, encoding="utf-8")
    (root / "data" / "decision.json").write_text(text, encoding="utf-8")
    git(["add", "--all"], cwd=root)
    git(["commit", "--quiet", "--message", "change"], cwd=root)


def two_sides(root: Path, ours: str, theirs: str) -> None:
    """Main says `ours` and the branch `other` says `theirs`; both began with the same lock."""
    commit_lock(root, "stages:\n  train:\n    cmd: first\n")
    git(["switch", "--quiet", "--create", "other"], cwd=root)
    commit_lock(root, theirs)
    git(["switch", "--quiet", "main"], cwd=root)
    commit_lock(root, ours)


def test_a_lock_that_cannot_be_read_is_a_conflict_with_markers(repository: Path) -> None:
    """git stops, names the file, and leaves both versions in it; nothing is lost."""
    two_sides(repository, "stages: [\n", "stages:\n  train:\n    cmd: theirs\n")
    with pytest.raises(ServiceFailed, match=r"dvc\.lock of our side cannot be read"):
        git(["merge", "--no-edit", "other"], cwd=repository)
    assert git(["diff", "--name-only", "--diff-filter=U"], cwd=repository) == "dvc.lock"
    text = (repository / "dvc.lock").read_text(encoding="utf-8")
    assert [mark for mark in ("<<<<<<< ours", "stages: [", "cmd: theirs", ">>>>>>> theirs") if mark not in text] == []


def test_what_both_made_is_no_conflict(repository: Path) -> None:
    """The disputed stage is gone from the lock, and its result stays as ours until it is made again."""
    ours = "stages:\n  train:\n    cmd: ours\n"
    two_sides(repository, ours, "stages:\n  train:\n    cmd: theirs\n  gate:\n    cmd: gate\n")
    git(["merge", "--no-edit", "other"], cwd=repository)
    assert (repository / "dvc.lock").read_text(encoding="utf-8") == "stages:\n  gate:\n    cmd: gate\n"
    assert (repository / "data" / "decision.json").read_text(encoding="utf-8") == ours


def test_installing_twice_changes_nothing(repository: Path, tmp_path: Path) -> None:
    """The configuration names this environment's Python once, however often; outside a repository nothing is done."""
    before = (repository / ".git" / "config").read_text(encoding="utf-8")
    assert install(repository)
    assert (repository / ".git" / "config").read_text(encoding="utf-8") == before
    assert shlex.split(git(["config", "merge.ratchet-lock.driver"], cwd=repository))[0] == sys.executable
    assert not install(tmp_path)
