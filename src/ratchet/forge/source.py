"""Commits of the forge's repository, as files and as answers to what the events need to know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ratchet.forge.home import Home
from ratchet.forge.tickets import NOTHING
from ratchet.io.git import git, git_says

MAIN = "refs/heads/main"
"""The default branch."""

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


def proposed_files(home: Home, merge: str, base: str, head: str) -> tuple[str, ...]:
    """The paths that a pull request touches: what its head changed since it left the base, GitHub's three-dot diff.

    `merge` is the commit it was tried with, whose first parent is the base as it was then; `base` the branch.
    """
    into = resolve(home, f"{merge}^1") or f"refs/heads/{base}"
    listing = git(["diff", "--name-only", "--no-renames", "-z", f"{into}...{head}"], cwd=home.origin)
    return tuple(name for name in listing.split("\0") if name)


def definitions(home: Home, sha: str) -> dict[str, str]:
    """The text of every file below .github/ in a commit, by path."""
    listing = git(["ls-tree", "-r", "-z", sha, "--", ".github"], cwd=home.origin, strip=False)
    entries = [entry.partition("\t") for entry in listing.split("\0") if entry]
    blobs = {path: words.split()[2] for words, _, path in entries if words.split()[1] == "blob"}
    asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    said = git(["cat-file", "--batch"], cwd=home.origin, input=asked, strip=False)
    return dict(zip(blobs, _contents(said.encode(errors="surrogateescape")), strict=True))


def mentions(home: Home, sha: str, word: str) -> bool:
    """Whether a workflow file of a commit holds `word`."""
    return git_says(["grep", "-qFe", word, sha, "--", ".github/workflows"], cwd=home.origin) is not None


def _contents(said: bytes) -> Iterator[str]:
    """The contents in the answer of `git cat-file --batch`: a line that ends in the size, the bytes, a newline."""
    while said:
        line, _, rest = said.partition(b"\n")
        size = int(line.split()[-1])
        yield rest[:size].decode(errors="replace")
        said = rest[size + 1 :]


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
