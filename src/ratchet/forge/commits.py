"""Commits as GitHub tells them in a push: who, when, what was said, and the files that came, went and changed."""

from __future__ import annotations

from typing import Any

from ratchet.forge import source
from ratchet.forge.home import Home
from ratchet.forge.tickets import NOTHING
from ratchet.io.git import git, git_says

Commit = dict[str, Any]

MOST = 2048
"""GitHub tells no more commits of one push."""

RECORD, FIELD = "\x1e", "\x1f"
FORMAT = RECORD + FIELD.join(("%H", "%T", "%cI", "%an", "%ae", "%cn", "%ce", "%B", ""))
KINDS = {"A": "added", "D": "removed", "M": "modified", "T": "modified"}


def between(home: Home, before: str, sha: str, *, url: str) -> list[Commit]:
    """The commits that a push brought, oldest first; of a new branch, those that no other branch has.

    `url` is the address below which a commit has its own.
    """
    if before != NOTHING and source.resolve(home, before):
        return _told(home, [f"{before}..{sha}"], url)
    others = git(["for-each-ref", "--format=%(refname)", f"--no-contains={sha}", "refs/heads"], cwd=home.origin)
    return _told(home, [sha, *(f"^{ref}" for ref in others.splitlines())], url)


def one(home: Home, sha: str, *, url: str) -> Commit | None:
    """One commit; None if there is no such commit."""
    found = _told(home, ["--no-walk", sha], url) if source.resolve(home, sha) else []
    return found[0] if found else None


def is_forced(home: Home, before: str, sha: str) -> bool:
    """Whether a push took away commits that the branch had."""
    if before == NOTHING:
        return False
    return git_says(["merge-base", "--is-ancestor", before, sha], cwd=home.origin) is None


def _told(home: Home, which: list[str], url: str) -> list[Commit]:
    options = ["--reverse", f"--max-count={MOST}", f"--format={FORMAT}", "--name-status", "--no-renames", "--root"]
    quiet = ["-c", "core.quotePath=false", "-c", "log.showSignature=false"]
    said = git([*quiet, "log", *options, "--diff-merges=first-parent", *which, "--"], cwd=home.origin)
    return [_commit(record, url) for record in said.split(RECORD) if record]


def _commit(record: str, url: str) -> Commit:
    sha, tree, time, author, author_mail, committer, committer_mail, message, changes = record.split(FIELD)
    files: dict[str, list[str]] = {kind: [] for kind in ("added", "removed", "modified")}
    for line in filter(None, changes.split("\n")):
        status, _, path = line.partition("\t")
        files[KINDS[status[0]]].append(path)
    return {
        "id": sha,
        "tree_id": tree,
        "distinct": True,
        "message": message.rstrip("\n"),
        "timestamp": time,
        "url": f"{url}/{sha}",
        "author": {"name": author, "email": author_mail},
        "committer": {"name": committer, "email": committer_mail},
        **files,
    }
