"""Every content that a file had in any commit that is here, and what files a repository has now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ratchet.io.git import git, git_says
from ratchet.io.git_objects import contents


def versions(root: Path, path: str) -> list[str]:
    """The contents of a file, by its path in the project at `root`: as it is now, then those of commits, newest first.

    Commits of all branches count, here and as they were fetched.
    """
    here = root / path
    now = [here.read_text(encoding="utf-8")] if here.is_file() else []
    name = f"{git(['rev-parse', '--show-prefix'], cwd=root)}{path}"
    # --full-history: a merge that dropped a content does not hide the commit that had it.
    listed = git_says(["rev-list", "--all", "--objects", "--full-history", "--", path], cwd=root) or ""
    named = (line.partition(" ") for line in listed.splitlines())
    blobs = list(dict.fromkeys(blob for blob, _, of in named if of == name))
    return list(dict.fromkeys([*now, *_texts(root, blobs)]))


def current(home: Path, *suffixes: str) -> Iterator[tuple[str, str]]:
    """Path and content of each file of the repository at `home` that ends so: of the work tree, then of HEAD's commit.

    What git ignores is left out.
    """
    patterns = [f"*{suffix}" for suffix in suffixes]
    listed = git(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=home)
    for name in dict.fromkeys(filter(None, listed.split("\0"))):
        if (home / name).is_file():
            yield name, (home / name).read_text(encoding="utf-8")
    committed = git_says(["ls-tree", "-r", "-z", "HEAD"], cwd=home) or ""
    entries = (line.partition("\t") for line in committed.split("\0") if line)
    blobs = {path: entry.split()[2] for entry, _, path in entries if path.endswith(suffixes)}
    yield from zip(blobs, _texts(home, list(blobs.values())), strict=True)


def _texts(root: Path, blobs: Sequence[str]) -> Iterator[str]:
    return ((found or b"").decode(errors="replace") for found in contents(blobs, cwd=root))
