"""Who counts as an author of a model's change, where a repository has several models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.io.authors import authors
from ratchet.io.git import MACHINE, git
from ratchet.io.projects import FoundProject, find_projects, pathspecs, touched

Change = Callable[..., str]
FILES = (
    "models/late/params.yaml",
    "models/late/data/raw/part-05.dvc",
    "models/early/params.yaml",
    "models/early/[odd]/x.txt",
    "src/diabetes/features.py",
    "src/flights/features.py",
    "src/ratchet/core/gate.py",
    "requirements/run.txt",
    "README.md",
    "params.yaml",
)


def project(name: str, room: str = "diabetes") -> str:
    """As much of a params.yaml as makes a project."""
    return f"project:\n  name: {name}\n  room: {room}\n"


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Commits files as somebody: `change("ada", "models/late/x")`, with their texts by name; returns the commit."""
    git(["init", "--quiet", "--initial-branch=main"], cwd=tmp_path)

    def commit(who: str, *names: str, mail: str = "", **texts: str) -> str:
        for name, text in {**dict.fromkeys(names, f"{who}\n"), **texts}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(["add", "--all"], cwd=tmp_path)
        asked = ["-c", f"user.name={who}", "-c", f"user.email={mail or f'{who}@example.org'}"]
        git([*asked, "commit", "--quiet", "--message", "change"], cwd=tmp_path)
        return git(["rev-parse", "HEAD"], cwd=tmp_path).strip()

    return commit


def two_models(change: Change) -> str:
    """`late` and `early` below models/, with rooms of their own at the top."""
    texts = {f"models/{name}/params.yaml": project(name, room) for name, room in (("late", "a"), ("early", "b"))}
    pipelines = {f"models/{name}/dvc.yaml": "stages: {}\n" for name in ("late", "early")}
    return change("eve", **texts, **pipelines)


def test_those_who_touched_only_another_model_are_no_authors(change: Change, tmp_path: Path) -> None:
    """Its own folder, its room and what all share count; another model's folder, its room and the rest do not."""
    since = two_models(change)
    change("own", "models/late/data/raw/part-05.dvc")
    change("room", "src/a/features.py")
    change("machine", "src/ratchet/core/gate.py")
    change("packages", "requirements/run.txt")
    change("other", "models/early/data/raw/part-05.dvc")
    change("strange-room", "src/b/features.py")
    change("writer", "README.md")
    last = change("both", "models/early/data/x", "models/late/data/x")
    found = authors(tmp_path / "models" / "late", since=since, commit=last)
    assert found[::2] == ("both", "packages", "machine", "room", "own")
    assert authors(tmp_path / "models" / "early", since=since, commit=last)[::2] == (
        "both", "strange-room", "other", "packages", "machine"
    )  # fmt: skip


def test_a_branch_that_a_merge_did_not_take_counts(change: Change, tmp_path: Path) -> None:
    """Whoever made a commit of the change is an author, also where git would leave the commit out of a file's log."""
    since = two_models(change)
    git(["switch", "--quiet", "--create", "side"], cwd=tmp_path)
    change("side", "models/late/x")
    git(["switch", "--quiet", "main"], cwd=tmp_path)
    change("main", "models/late/y")
    asked = ["-c", "user.name=eve", "-c", "user.email=eve@example.org"]
    git([*asked, "merge", "--quiet", "--strategy=ours", "--no-edit", "side"], cwd=tmp_path)
    found = authors(tmp_path / "models" / "late", since=since, commit="HEAD")
    assert {"main", "side"} <= set(found)


def test_without_a_start_the_last_commit_of_this_model_counts(change: Change, tmp_path: Path) -> None:
    """Not the last of any: nobody would be its author then."""
    two_models(change)
    change("own", "models/late/x")
    change("other", "models/early/x")
    assert authors(tmp_path / "models" / "late", since="", commit="HEAD") == ("own", "own@example.org")


def test_all_commits_count_where_there_is_one_project(change: Change, tmp_path: Path) -> None:
    """Whatever they touch; but for the machine's own."""
    since = change("eve", **{"params.yaml": project("late"), "dvc.yaml": "stages: {}\n"})
    change("writer", "README.md", mail="17+octo@users.noreply.github.com")
    change("bot", "dvc.lock", mail=MACHINE["GIT_AUTHOR_EMAIL"])
    found = authors(tmp_path, since=since, commit="HEAD")
    assert found == ("writer", "17+octo@users.noreply.github.com", "17+octo", "octo")


@pytest.mark.parametrize("top", [True, False])
def test_git_picks_the_files_that_touch_a_project(change: Change, tmp_path: Path, top: bool) -> None:
    """The pathspecs of a project name the very files that the rule of `touched` counts as its own."""
    texts = {name: project(name.split("/")[1]) for name in FILES if name.endswith("/params.yaml")}
    if top:
        texts["params.yaml"] = project("whole", "flights")
    folders = [str(Path(name).parent) for name in texts]
    change("eve", *FILES, **texts, **{f"{folder}/dvc.yaml": "stages: {}\n" for folder in folders})
    projects = find_projects(tmp_path)
    assert len(projects) == 2 + top

    def by_git(found: FoundProject) -> set[str]:
        said = git(["ls-files", "-z", "--", *pathspecs(projects, found.folder)], cwd=tmp_path)
        return set(said.split("\0")) & set(FILES)

    for each in projects:
        assert by_git(each) == {path for path in FILES if each in touched(projects, [path])}
