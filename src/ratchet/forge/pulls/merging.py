"""Merging two commits in the bare repository, with the rules of `core.lock_merge` for what stages computed.

git merges text line by line. For a `dvc.lock` that both sides changed that is wrong even where it succeeds, so those
files are merged by rule in any case; a checkout does the same with `ratchet merge-driver`.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.lock_merge import is_lock, is_result
from ratchet.errors import ServiceFailed, UsageError
from ratchet.forge import source
from ratchet.forge.home import Home
from ratchet.io.git import LOCATORS, MACHINE, git, git_says

CONFLICTS = 1
"""The exit code of git merge-tree that is a result and not a failure."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Two commits merged: the tree, the paths in conflict (then the tree is of no use), and what rules settled."""

    tree: str
    conflicts: tuple[str, ...]
    settled: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom a commit is by."""

    name: str
    email: str


def merge(home: Home, base: str, head: str) -> Merge:
    """Merge commit `head` into commit `base`; no ref is touched."""
    tree, conflicts = _by_text(home, base, head)
    settled, disputed = _by_rule(home, base, head)
    left = sorted((conflicts | disputed) - settled.keys())
    if settled and not left:
        tree = _with_files(home, tree, settled)
    return Merge(tree=tree, conflicts=tuple(left), settled=tuple(sorted(settled)))


def commit(home: Home, tree: str, parents: Sequence[str], message: str, author: Person | None = None) -> str:
    """Make a commit of a tree and return it; it is by the machine unless `author` says whom it is by."""
    by = {"GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email} if author else {}
    arguments = [argument for parent in parents for argument in ("-p", parent)]
    return git(
        ["commit-tree", *arguments, "-F", "-", tree], cwd=home.origin, env={**MACHINE, **by}, input=message.encode()
    )


def parents(home: Home, sha: str) -> list[str]:
    """The parents of a commit, the first one first."""
    return git(["rev-list", "--no-walk", "--parents", sha], cwd=home.origin).split()[1:]


def contains(home: Home, tip: str, sha: str) -> bool:
    """Whether `sha` is the commit `tip` or one that it came from."""
    return git_says(["merge-base", "--is-ancestor", sha, tip], cwd=home.origin) is not None


def commits(home: Home, base: str, head: str) -> list[str]:
    """The commits that `head` has and `base` does not, the newest first."""
    return git(["rev-list", f"{base}..{head}"], cwd=home.origin).split()


def _by_text(home: Home, base: str, head: str) -> tuple[str, set[str]]:
    """The tree that git makes of the two, and the paths it could not merge."""
    # Run here and not through io.git, to which every exit code but 0 is a failure without an answer.
    done = subprocess.run(
        [
            "git",
            "merge-tree",
            "--write-tree",
            "--allow-unrelated-histories",
            "--no-messages",
            "--name-only",
            "-z",
            base,
            head,
        ],
        cwd=home.origin,
        env={name: value for name, value in os.environ.items() if name not in LOCATORS} | source.CLEAN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode not in (0, CONFLICTS):
        raise ServiceFailed(
            f"{head[:9]} cannot be merged into {base[:9]}: {done.stderr.decode(errors='replace').strip()}",
            next_step="mend what git says and try again",
        )
    tree, *paths = done.stdout.decode(errors="surrogateescape").rstrip("\0").split("\0")
    return tree, set(filter(None, paths))


def _by_rule(home: Home, base: str, head: str) -> tuple[dict[str, str], set[str]]:
    """The blobs of the files that rules settle, by path, and the paths of those that even they cannot."""
    ancestor = git_says(["merge-base", base, head], cwd=home.origin)
    if ancestor is None:
        return {}, set()
    settled, disputed = {}, set()
    for path in _changed(home, ancestor, base) & _changed(home, ancestor, head):
        ours, theirs = (source.blob(home, sha, path) for sha in (base, head))
        # Removed on one side: git has a word for that, and where it calls it a conflict it is one.
        if not (ours and theirs) or not (is_lock(path) or is_result(path)):
            continue
        try:
            settled[path] = _lock(home, (ancestor, base, head), path) if is_lock(path) else ours
        except UsageError:
            disputed.add(path)
    return settled, disputed


def _changed(home: Home, before: str, after: str) -> set[str]:
    return set(source.changed_files(home, before, after))


def _lock(home: Home, commits: Sequence[str], path: str) -> str:
    # Imported here because every push comes by, and few bring two locks together.
    from ratchet.io.lock_text import merge_texts

    texts = [source.text(home, sha, path) or "" for sha in commits]
    merged = merge_texts(*texts)
    return git(["hash-object", "-w", "--stdin"], cwd=home.origin, input=merged.encode())


def _with_files(home: Home, tree: str, blobs: Mapping[str, str]) -> str:
    """A tree with other contents for some of its files."""
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(["read-tree", tree], cwd=home.origin, env=env)
        lines = "".join(f"100644 {blob}\t{path}\0" for path, blob in sorted(blobs.items()))
        git(["update-index", "--add", "-z", "--index-info"], cwd=home.origin, env=env, input=lines.encode())
        return git(["write-tree"], cwd=home.origin, env=env)
