"""Commits of the forge's repository, as files and as answers to what the events need to know."""

from __future__ import annotations

import re
from pathlib import Path

from ratchet.forge.home import Home
from ratchet.forge.tickets import NOTHING
from ratchet.io.git import git, git_says

SKIP_WORDS = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|^skip-checks:\s*true\s*$", re.MULTILINE)
"""GitHub's words in a head commit's message that keep a push from starting anything."""

CLEAN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
"""Nobody's own filters and attributes change what a commit's files are."""


def materialise(home: Home, sha: str, target: Path) -> None:
    """Write the files of a commit to the new folder `target`, without a .git."""
    target.mkdir(parents=True)
    place = {"GIT_DIR": str(home.origin), "GIT_INDEX_FILE": str(target.with_name(f"{target.name}.index"))}
    git(["--work-tree", str(target), "read-tree", "--reset", "-u", sha], cwd=target, env={**CLEAN, **place})


def changed_files(home: Home, before: str, sha: str) -> tuple[str, ...]:
    """The paths that a push touched; of a new branch, every file it has."""
    if before == NOTHING or git_says(["cat-file", "-e", f"{before}^{{commit}}"], cwd=home.origin) is None:
        listing = git(["ls-tree", "-r", "-z", "--name-only", sha], cwd=home.origin)
    else:
        listing = git(["diff", "--name-only", "--no-renames", "-z", before, sha], cwd=home.origin)
    return tuple(name for name in listing.split("\0") if name)


def message(home: Home, sha: str) -> str:
    """A commit's message."""
    return git(["show", "--no-patch", "--format=%B", sha], cwd=home.origin)


def asks_to_skip(words: str) -> bool:
    """Whether a commit message says that its push starts nothing."""
    return SKIP_WORDS.search(words) is not None


def blob(home: Home, sha: str, path: str) -> str | None:
    """The git hash of a file's content in a commit, or None if the commit has no such file."""
    return git_says(["rev-parse", "--verify", "--quiet", f"{sha}:{path}"], cwd=home.origin)


def text(home: Home, sha: str, path: str) -> str | None:
    """A file's text in a commit, or None if the commit has no such file."""
    return git_says(["cat-file", "blob", f"{sha}:{path}"], cwd=home.origin)


def resolve(home: Home, ref: str) -> str | None:
    """The commit that a full ref name points at, or None."""
    return git_says(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"], cwd=home.origin)
