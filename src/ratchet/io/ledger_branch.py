"""A git branch that holds records in files of its own: reading by commit, and writing as a compare-and-set push.

The branch shares no history with the code. A write builds a commit on the head that was read and pushes it with a lease
on that head: of two racing writers one wins, the other is told. The branch's other files stay as they are. Nothing is
ever checked out, so a dirty work tree neither disturbs nor is disturbed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.errors import ServiceFailed
from ratchet.io.git import MACHINE, git, git_says, token_environment
from ratchet.settings import Secret

ATTEMPTS = 40
"""Writes that are tried at most: of n racing writers the last one has lost n - 1 times."""
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class RecordBranch:
    """The branch `branch` of the git remote `remote`, seen from the repository at `root`."""

    root: Path
    remote: str
    branch: str
    token: Secret = field(default=Secret(""))

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"refs/heads/{self.branch}"

    def head(self) -> str | None:
        """The branch's newest commit on the remote, or None when it is not there yet. Cheap: one ls-remote."""
        lines = self._git(["ls-remote", self.remote, self.ref])
        return lines.split()[0] if lines else None

    def text(self, head: str | None, file: str) -> str:
        """A file as it is at the commit `head`; empty where there is no branch or no such file."""
        if head is None:
            return ""
        if git_says(["cat-file", "-e", f"{head}^{{commit}}"], cwd=self.root) is None:
            self._git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.remote, self.ref])
        blob = self._blobs(head).get(file)
        return git(["cat-file", "blob", blob], cwd=self.root, strip=False) if blob else ""

    def put(self, head: str | None, file: str, text: str, *, title: str) -> bool:
        """Write a file on top of `head`; False if the branch has moved on, and nothing was written.

        Raises ServiceFailed if git cannot write there.
        """
        commit = self._commit(head, file, text, title)
        lease = f"--force-with-lease={self.ref}:{head or ''}"
        try:
            self._git(["push", "--quiet", "--no-verify", lease, self.remote, f"{commit}:{self.ref}"])
        except ServiceFailed:
            found = self.head()
            if found == head:
                raise
            # It may be ours: the answer of a push that succeeded can be lost on its way.
            return found == commit
        return True

    def _commit(self, head: str | None, file: str, text: str, title: str) -> str:
        blob = self._git(["hash-object", "-w", "--stdin"], input=text.encode())
        files = {**(self._blobs(head) if head else {}), file: blob}
        lines = "".join(f"100644 blob {each}\t{name}\n" for name, each in sorted(files.items()))
        tree = self._git(["mktree"], input=lines.encode())
        return self._git(["commit-tree", tree, *(["-p", head] if head else []), "-F", "-"], input=title.encode())

    def _blobs(self, head: str) -> dict[str, str]:
        """The branch's files at a commit, each with git's name of its content."""
        listing = self._git(["ls-tree", "-z", head])
        entries = (line.partition("\t") for line in listing.split("\0") if line)
        return {name: entry.split()[2] for entry, _, name in entries}

    def _git(self, args: list[str], *, input: bytes | None = None) -> str:
        return git(args, cwd=self.root, env={**MACHINE, **token_environment(self.token)}, input=input)


def attempts() -> Iterator[int]:
    """Numbers of attempts from 1, with a longer pause of chance length before each: racing writers get out of step."""
    for number in range(1, ATTEMPTS + 1):
        if number > 1:
            longest = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2 ** (number - 1))
            time.sleep(longest * secrets.randbelow(1000) / 1000)
        yield number
