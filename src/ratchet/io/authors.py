"""Who made the commits of a change, by every name that they may go by elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ratchet.io.git import MACHINE, git_says

MOST_COMMITS = 1000
NO_REPLY = "@users.noreply.github.com"


def authors(root: Path, *, since: str, commit: str) -> tuple[str, ...]:
    """The authors of the commits after `since` (empty: of the last one alone) up to `commit`, without the machine.

    Each by name, address, the part of the address before the @, and the login where the address is GitHub's own.
    Empty where the commits are not here, as in a shallow clone.
    """
    known = since and git_says(["cat-file", "-e", f"{since}^{{commit}}"], cwd=root) is not None
    which = [f"{since}..{commit}"] if known else ["-1", commit]
    said = git_says(
        ["log", "--no-merges", f"--max-count={MOST_COMMITS}", "--format=%an%x09%ae", *which, "--"], cwd=root
    )
    pairs = (line.partition("\t") for line in (said or "").splitlines())
    people = ((name, mail) for name, _, mail in pairs if mail != MACHINE["GIT_AUTHOR_EMAIL"])
    return tuple(dict.fromkeys(each for name, mail in people for each in _names(name, mail)))


def _names(name: str, mail: str) -> Iterator[str]:
    yield name
    yield mail
    yield mail.partition("@")[0]
    if mail.endswith(NO_REPLY):
        yield mail.removesuffix(NO_REPLY).rpartition("+")[2]
