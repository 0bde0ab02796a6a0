"""Who made the commits of a model's change, by every name that they may go by elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ratchet.io.git import MACHINE, git_says
from ratchet.io.projects import find_projects, pathspecs
from ratchet.settings import find_home

MOST_COMMITS = 1000
NO_REPLY = "@users.noreply.github.com"


def authors(root: Path, *, since: str, commit: str) -> tuple[str, ...]:
    """The authors of the commits after `since` (empty: of the last one alone) up to `commit`, without the machine.

    Of a repository with several projects, those count that touch the one at `root`: its folder, or what it shares with
    others. Each author by name, address, the part of the address before the @, and the login where the address is
    GitHub's own. Empty where the commits are not here, as in a shallow clone.
    """
    home = find_home(root)
    known = since and git_says(["cat-file", "-e", f"{since}^{{commit}}"], cwd=home) is not None
    which = [f"--max-count={MOST_COMMITS}", f"{since}..{commit}"] if known else ["--max-count=1", commit]
    files = pathspecs(find_projects(home), Path(os.path.relpath(root, home)).as_posix())
    # Whole: else git leaves out a branch whose files a merge did not take.
    said = git_says(["log", "--no-merges", "--full-history", "--format=%an%x09%ae", *which, "--", *files], cwd=home)
    pairs = (line.partition("\t") for line in (said or "").splitlines())
    people = ((name, mail) for name, _, mail in pairs if mail != MACHINE["GIT_AUTHOR_EMAIL"])
    return tuple(dict.fromkeys(each for name, mail in people for each in _names(name, mail)))


def _names(name: str, mail: str) -> Iterator[str]:
    yield name
    yield mail
    yield mail.partition("@")[0]
    if mail.endswith(NO_REPLY):
        yield mail.removesuffix(NO_REPLY).rpartition("+")[2]
