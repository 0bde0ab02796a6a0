"""A commit as a source of files and outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import ServiceFailed, UsageError
from ratchet.io import dvc
from ratchet.io.git import git
from ratchet.io.revision import Revision, base_of, exported

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # from inside DVC

LOCK = """schema: '2.0'
stages:
  train:
    cmd: train
    outs:
    - path: data/model
      md5: 11111111111111111111111111111111.dir
    - path: data/loose
"""


@pytest.fixture
def root(repository: Callable[[str], Path]) -> Path:
    """A repository with one commit."""
    return repository("project")


def commit(root: Path, files: dict[str, str | bytes], message: str = "change") -> str:
    """Commit files; returns the commit."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(["add", "-A"], cwd=root)
    git(["commit", "--quiet", "--allow-empty", "-m", message], cwd=root)
    return git(["rev-parse", "HEAD"], cwd=root)


def test_files_are_those_of_the_commit(root: Path) -> None:
    """What the work tree has become since does not matter, and a file that was not there is None."""
    revision = Revision(root, commit(root, {"src/room/features.py": "old\n", "params.yaml": "a: 1\n"}))
    commit(root, {"src/room/features.py": "new\n", "src/room/more.py": ""})
    assert (revision.text("src/room/features.py"), revision.text("src/room/more.py")) == ("old", None)
    assert revision.files("src") == ["src/room/features.py"]


def test_exported_files_have_the_same_bytes(root: Path) -> None:
    """Bytes that are no text, line ends and last newlines stay; paths that the commit does not have are left out."""
    contents = {"src/a.py": b"x = 1\r\n\n\n", "src/deep/b.bin": bytes(range(256)), "other.txt": b"no"}
    revision = Revision(root, commit(root, dict(contents)))
    with exported(revision, "src", "missing") as folder:
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {name: content for name, content in contents.items() if name.startswith("src/")}


def test_a_project_may_lie_below_the_repositorys_root(root: Path) -> None:
    """Paths are relative to the project, wherever it is in its repository."""
    below = root / "team" / "project"
    revision = Revision(below, commit(root, {"team/project/params.yaml": "a: 1\n", "params.yaml": "b: 2\n"}))
    assert (revision.text("params.yaml"), revision.files("params.yaml")) == ("a: 1", ["params.yaml"])


def test_outputs_are_those_of_the_lock(root: Path) -> None:
    """Each output with its digest; a commit for which nothing was computed has none."""
    before = Revision(root, git(["rev-parse", "HEAD"], cwd=root))
    after = Revision(root, commit(root, {"dvc.lock": LOCK}))
    assert (before.outs(), after.outs()) == ({}, {"data/model": "11111111111111111111111111111111.dir"})


def test_the_base_is_where_the_branches_parted(root: Path) -> None:
    """What happened on the other branch since is not this change's."""
    start = git(["rev-parse", "HEAD"], cwd=root)
    git(["switch", "--quiet", "--create", "change"], cwd=root)
    commit(root, {"mine.py": ""})
    git(["switch", "--quiet", "main"], cwd=root)
    commit(root, {"theirs.py": ""})
    git(["switch", "--quiet", "change"], cwd=root)
    assert base_of(root, "main").commit == start


def test_the_base_is_the_machines_commit_on_it(root: Path) -> None:
    """A change that began just before the lock was committed is compared with that lock's model, not an older one."""
    git(["switch", "--quiet", "--create", "change"], cwd=root)
    commit(root, {"mine.py": ""})
    git(["switch", "--quiet", "main"], cwd=root)
    reproduced = commit(root, {"dvc.lock": LOCK, "data/decision.json": "{}"})
    commit(root, {"theirs.py": "", "data/decision.json": "{} "})
    git(["switch", "--quiet", "change"], cwd=root)
    assert base_of(root, "main").commit == reproduced


def test_a_branch_that_only_the_remote_has_is_found(root: Path, tmp_path: Path) -> None:
    """A job checks out one branch and knows the others as those of origin."""
    start = git(["rev-parse", "HEAD"], cwd=root)
    git(["clone", "--quiet", str(root), str(tmp_path / "job")], cwd=tmp_path)
    git(["checkout", "--quiet", "--detach"], cwd=tmp_path / "job")
    git(["branch", "--quiet", "--delete", "main"], cwd=tmp_path / "job")
    assert base_of(tmp_path / "job", "main").commit == start


def test_a_base_that_is_not_there_is_refused(root: Path) -> None:
    """The message names it, and says what would bring it."""
    with pytest.raises(UsageError, match=r"there is no nowhere to compare with.*\n.*git fetch origin nowhere"):
        base_of(root, "nowhere")


def test_strangers_have_no_base(root: Path) -> None:
    """Two histories without a commit in common, as a shallow clone has them, are refused."""
    git(["switch", "--quiet", "--orphan", "stranger"], cwd=root)
    commit(root, {"a.py": ""})
    with pytest.raises(UsageError, match="main and HEAD have no commit in common"):
        base_of(root, "main")


@pytest.fixture
def tracked(root: Path) -> Path:
    """A repository whose first data is in DVC's remote alone, and whose second is here."""
    git(["rm", "--quiet", "--cached", "code.py"], cwd=root)
    dvc_remote = str(root.with_name("remote"))
    from dvc.repo import Repo

    Repo.init(str(root)).close()
    for content in ("old", "new"):
        (root / "data").mkdir(exist_ok=True)
        (root / "data" / "rows.csv").write_text(content, encoding="utf-8")
        with dvc.project(root, dvc_remote) as repo:
            dvc.add(repo, [root / "data"])
            dvc.push(repo)
        commit(root, {})
    return root


def test_tracked_data_of_a_commit_comes_from_the_remote_where_the_cache_lacks_it(tracked: Path, tmp_path: Path) -> None:
    """The older content is brought; the work tree keeps the newer one."""
    for path in (tracked / ".dvc" / "cache").rglob("*"):
        if path.is_file() and path.read_bytes() == b"old":
            path.unlink()
    older = Revision(tracked, git(["rev-parse", "HEAD^"], cwd=tracked))
    with dvc.project(tracked, str(tracked.with_name("remote"))) as repo:
        older.fetch(repo, ["data/rows.csv"], tmp_path / "out")
    assert (tmp_path / "out" / "data" / "rows.csv").read_text() == "old"
    assert (tracked / "data" / "rows.csv").read_text() == "new"


def test_data_that_is_nowhere_is_an_error_that_names_it(tracked: Path, tmp_path: Path) -> None:
    """Which path, of which commit, and what would bring it."""
    revision = Revision(tracked, git(["rev-parse", "HEAD"], cwd=tracked))
    with (
        dvc.project(tracked, str(tracked.with_name("remote"))) as repo,
        pytest.raises(ServiceFailed, match=rf"data/none of commit {revision.commit[:9]} is neither in DVC's cache"),
    ):
        revision.fetch(repo, ["data/none"], tmp_path / "out")
