"""The ledger on its own git branch: appending is a compare-and-set push.

The branch holds one file, `ledger.jsonl`, and shares no history with the code. An append builds a commit on the
head that was read and pushes it with a lease on that head: of two racing writers one wins, the other is told.
Nothing is ever checked out, so a dirty work tree neither disturbs nor is disturbed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.ledger import Change, Entry, append, dump, load
from ratchet.errors import ChampionChanged, ServiceFailed
from ratchet.io.git import MACHINE, git, git_says, token_environment
from ratchet.settings import Secret

FILE = "ledger.jsonl"


@dataclass(frozen=True)
class LedgerBranch:
    """The ledger branch `branch` of the git remote `remote`, seen from the repository at `root`."""

    root: Path
    remote: str
    branch: str
    token: Secret = field(default=Secret(""))

    @property
    def ref(self) -> str:
        """The branch's full name."""
        return f"refs/heads/{self.branch}"

    def head(self) -> str | None:
        """The branch's newest commit on the remote, or None when there is no ledger yet. Cheap: one ls-remote."""
        lines = self._git(["ls-remote", self.remote, self.ref])
        return lines.split()[0] if lines else None

    def read(self) -> tuple[Entry, ...]:
        """All entries, oldest first, with their chain verified. Raises TamperedFile, ServiceFailed."""
        return self._read_at(self.head())

    def append(self, decide: Callable[[tuple[Entry, ...]], Change]) -> Entry:
        """Read the ledger, let `decide` say what follows, and push it.

        Raises what `decide` raises, and ChampionChanged if somebody else was faster: nothing was written then.
        """
        head = self.head()
        entries = self._read_at(head)
        entry = append(entries, decide(entries))
        self._push(self._commit(dump((*entries, entry)), entry, head), head)
        return entry

    def _read_at(self, head: str | None) -> tuple[Entry, ...]:
        if head is None:
            return ()
        if git_says(["cat-file", "-e", f"{head}^{{commit}}"], cwd=self.root) is None:
            self._git(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.remote, self.ref])
        return load(self._git(["cat-file", "blob", f"{head}:{FILE}"]) + "\n")

    def _commit(self, text: str, entry: Entry, head: str | None) -> str:
        blob = self._git(["hash-object", "-w", "--stdin"], input=text.encode())
        tree = self._git(["mktree"], input=f"100644 blob {blob}\t{FILE}\n".encode())
        parents = ["-p", head] if head else []
        title = f"{entry.kind}: {entry.model} version {entry.version} serves\n\n{entry.reason}\n"
        return self._git(["commit-tree", tree, *parents, "-F", "-"], input=title.encode())

    def _push(self, commit: str, head: str | None) -> None:
        lease = f"--force-with-lease={self.ref}:{head or ''}"
        try:
            self._git(["push", "--quiet", "--no-verify", lease, self.remote, f"{commit}:{self.ref}"])
        except ServiceFailed as error:
            if self.head() == head:
                raise
            raise ChampionChanged(
                "somebody else wrote to the ledger first; nothing was written here",
                next_step="look at ratchet history, then run and judge again against the version that serves now",
            ) from error

    def _git(self, args: list[str], *, input: bytes | None = None) -> str:
        return git(args, cwd=self.root, env={**MACHINE, **token_environment(self.token)}, input=input)
