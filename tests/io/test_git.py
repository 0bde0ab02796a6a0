"""Git as ratchet calls it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.errors import ServiceFailed
from ratchet.io.git import git, git_says, head_commit, ledger_remote, token_environment
from ratchet.settings import Secret


@pytest.fixture
def root(repository: Callable[[str], Path]) -> Path:
    """A repository with one commit."""
    return repository("project")


def test_git_answers_without_the_last_newline(root: Path) -> None:
    """What git prints is the value."""
    assert git(["log", "--format=%s"], cwd=root) == "first"


def test_a_failure_carries_gits_words(root: Path) -> None:
    """The command, the folder and what git said are in the message."""
    with pytest.raises(ServiceFailed, match=rf"git show failed in {root}: .*nothing-here"):
        git(["show", "nothing-here"], cwd=root)


def test_a_question_may_be_answered_with_no(root: Path) -> None:
    """An exit code is an answer, not an error."""
    assert (git_says(["rev-parse", "--verify", "HEAD^"], cwd=root), git_says(["branch"], cwd=root)) == (None, "* main")


def test_a_hooks_variables_do_not_lead_git_elsewhere(
    repository: Callable[[str], Path], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside a hook git sets GIT_DIR: commands act on the folder they are given all the same."""
    other = repository("other")
    git(["commit", "--quiet", "--allow-empty", "-m", "second"], cwd=other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert git(["log", "--format=%s"], cwd=root) == "first"


def test_git_never_waits_for_a_person(root: Path) -> None:
    """A command that reads standard input gets none, and ends."""
    assert git(["hash-object", "--stdin"], cwd=root) == git(["hash-object", "--stdin"], cwd=root, input=b"")


def test_the_head_of_no_repository_is_empty(root: Path, tmp_path: Path) -> None:
    """Outside a repository there is no commit to name; inside, it is the full hash."""
    assert (head_commit(tmp_path), len(head_commit(root))) == ("", 40)


def test_a_repository_without_a_commit_has_no_head(tmp_path: Path) -> None:
    """A fresh repository has no commit to name."""
    git(["init", "--quiet"], cwd=tmp_path)
    assert head_commit(tmp_path) == ""


def test_the_ledger_lives_where_it_was_put_else_at_origin_else_here(root: Path) -> None:
    """The configured remote wins, then `origin`, then the repository itself."""
    alone = ledger_remote(root, "")
    git(["remote", "add", "upstream", "elsewhere"], cwd=root)
    still_alone = ledger_remote(root, "")
    git(["remote", "add", "origin", "somewhere"], cwd=root)
    assert (alone, still_alone, ledger_remote(root, ""), ledger_remote(root, "upstream")) == (
        ".",
        ".",
        "origin",
        "upstream",
    )


def test_a_token_reaches_git_by_its_environment_alone(root: Path) -> None:
    """Git sees the header, no file of the repository holds it, and without a token there is none."""
    environment = token_environment(Secret("s3cret"))
    header = git(["config", "--get", "http.extraheader"], cwd=root, env=environment)
    assert base64.b64decode(header.removeprefix("AUTHORIZATION: basic ")) == b"x-access-token:s3cret"
    assert "s3cret" not in (root / ".git" / "config").read_text(encoding="utf-8")
    assert token_environment(Secret("")) == {}
