"""What git says of commits: who, when, why, and the names of the content of what decides a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ratchet.core.lineage import CommitFacts
from ratchet.io import layout
from ratchet.io.git import git, git_says
from ratchet.settings import PARAMS, shared

FORMAT = "%H%x00%an%x00%aI%x00%s"


def commit_facts(root: Path, commits: Iterable[str]) -> dict[str, CommitFacts]:
    """The facts of those of the commits (full hashes) that this clone has."""
    wanted = sorted({each for each in commits if each})
    if not wanted:
        return {}
    said = git(["log", "--no-walk", "--ignore-missing", f"--format={FORMAT}", *wanted, "--"], cwd=root)
    lines = (line.split("\0") for line in said.splitlines() if line.count("\0") == FORMAT.count("%x00"))
    return {
        commit: CommitFacts(commit=commit, author=author, time=time, subject=subject, parts=dict(_parts(root, commit)))
        for commit, author, time, subject in lines
    }


def full_commit(root: Path, name: str) -> str | None:
    """The full hash of what git calls `name` (a branch, a tag, HEAD, how a hash begins); None if it is nothing."""
    if name.startswith("-"):
        return None
    return git_says(["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=root) or None


def before(root: Path, commit: str, known: set[str]) -> str | None:
    """The nearest commit of `known` that `commit` came from; None if there is none."""
    line = git_says(["rev-list", "--first-parent", commit], cwd=root) or ""
    return next((each for each in line.splitlines() if each in known), None)


def _parts(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    for path in (PARAMS, layout.LOCK, "dvc.yaml", shared(root, "src"), shared(root, "requirements/run.txt")):
        blob = git_says(["rev-parse", "--verify", "--quiet", f"{commit}:./{path}"], cwd=root)
        if blob:
            yield path, blob
