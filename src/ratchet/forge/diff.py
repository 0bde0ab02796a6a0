"""What a pull request changes: its commits, and its files since it left the base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ratchet.forge import source
from ratchet.forge.home import Home
from ratchet.forge.pulls.pull_record import Pull
from ratchet.io.git import git, git_says

STATUSES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
"""GitHub's words for git's letters."""


def files(home: Home, pull: Pull) -> list[dict[str, Any]]:
    """Of each file: filename, previous_filename if it was renamed, status, additions, deletions, sha of its content.

    As on GitHub, the difference of the head to where it left the base.
    """
    start = _start(home, pull)
    flags = ["--find-renames", "--no-ext-diff", "-z", start, pull.head_sha]
    counts = dict(_counts(git(["diff", "--numstat", *flags], cwd=home.origin)))
    raw = iter(git(["diff", "--raw", "--no-abbrev", *flags], cwd=home.origin).split("\0"))
    return [_entry(head, raw, counts) for head in raw if head]


def base_of(home: Home, pull: Pull) -> str:
    """The newest commit of the base's branch, or of one that is merged, the commit before it was."""
    merged = f"{pull.merged_sha}^" if pull.merged_sha else ""
    tip = source.resolve(home, merged) if merged else None
    return tip or source.resolve(home, f"refs/heads/{pull.base}") or pull.head_sha


def commit_count(home: Home, pull: Pull) -> int:
    """How many commits it brings."""
    return int(git(["rev-list", "--count", f"{_start(home, pull)}..{pull.head_sha}"], cwd=home.origin))


def has_commit(home: Home, pull: Pull, sha: str) -> bool:
    """Whether a commit is one of those that it brings."""
    found = git_says(["rev-list", f"{_start(home, pull)}..{pull.head_sha}"], cwd=home.origin)
    return sha in (found or "").split()


def _start(home: Home, pull: Pull) -> str:
    """The commit where head and base parted; the base itself where they have nothing in common."""
    base = base_of(home, pull)
    return git_says(["merge-base", base, pull.head_sha], cwd=home.origin) or base


def _counts(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Lines added and removed by path: `1 TAB 2 TAB path NUL`, for a rename `1 TAB 2 TAB NUL old NUL new NUL`."""
    fields = iter(text.split("\0"))
    for each in fields:
        if not each:
            continue
        added, removed, path = each.split("\t", 2)
        if not path:
            next(fields)
            path = next(fields)
        # A dash stands for what is not text.
        yield path, (int(added.replace("-", "0")), int(removed.replace("-", "0")))


def _entry(head: str, fields: Iterator[str], counts: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """One record of `git diff --raw`: `:mode mode old new R100`, then its path, or for R and C the old and the new."""
    _, _, old, new, letter = head.split(" ")
    path, previous = next(fields), {}
    if letter[0] in "RC":
        path, previous = next(fields), {"previous_filename": path}
    added, removed = counts.get(path, (0, 0))
    return {
        "filename": path,
        **previous,
        "status": STATUSES.get(letter[0], "changed"),
        "additions": added,
        "deletions": removed,
        "sha": old if letter[0] == "D" else new,
    }
