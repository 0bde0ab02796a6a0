"""Branches that each hold one new batch, `data/<batch>`: which batches wait there, and how one is made and pushed.

Of a project that is not the whole repository they are `data/<model>/<batch>`: two models may have batches of one name.

A branch is one commit on top of its base: the batch's small files in `data/raw/` and the `.dvc` files of standing
lookups that changed with it. Its message is the text of the pull request, so that whoever finds a branch without one
can open it in the same words.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ratchet.errors import ServiceFailed
from ratchet.io.batches import tracked_names
from ratchet.io.git import MACHINE, git, git_says
from ratchet.io.revision import Revision

PREFIX = "data/"
"""What the name of a branch begins with; the batch's name follows."""

RAW = "data/raw"
KEPT = "refs/ratchet/branches/"
"""Where the commits of the branches that were fetched are kept."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A batch that the base does not have, and the branch that holds it at `commit`; `own`: it was made for it."""

    batch: str
    branch: str
    commit: str
    own: bool


@dataclass(frozen=True, kw_only=True)
class Words:
    """The title and the Markdown of a pull request, as they stand in the commit's message."""

    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Remote:
    """The git remote `name` of the project at `root`, and what git needs to be let in.

    `model` is empty for a project that is the whole repository.
    """

    root: Path
    name: str
    access: Mapping[str, str]
    model: str = ""

    def branch_of(self, batch: str) -> str:
        """The branch that holds a batch alone."""
        return f"{PREFIX}{self.model}/{batch}" if self.model else f"{PREFIX}{batch}"


def waiting(remote: Remote, base: str, others: Iterable[str]) -> list[Waiting]:
    """The batches on the remote's data branches, and on the branches `others`, that the commit `base` does not have.

    Raises ServiceFailed if the remote does not answer.
    """
    more = {name for name in others if not name.startswith(PREFIX)}
    specs = [f"+refs/heads/{name}:{KEPT}{name}" for name in (f"{PREFIX}*", *sorted(more))]
    git(["fetch", "--quiet", "--no-tags", "--prune", remote.name, *specs], cwd=remote.root, env=remote.access)
    listing = git(["for-each-ref", "--format=%(objectname) %(refname)", KEPT], cwd=remote.root)
    here = _batches(Revision(remote.root, base))
    found = [
        Waiting(batch=batch, branch=branch, commit=commit, own=branch == remote.branch_of(batch))
        for commit, _, ref in (line.partition(" ") for line in listing.splitlines())
        # An earlier run may have left others there.
        if (branch := ref.removeprefix(KEPT)).startswith(PREFIX) or branch in more
        for batch in sorted(_batches(Revision(remote.root, commit)) - here)
    ]
    # Of a batch that is on several branches its own comes first.
    return sorted(found, key=lambda each: (each.batch, not each.own, each.branch))


def commit(root: Path, base: str, paths: Sequence[Path], words: Words) -> str:
    """A commit on top of `base` with these files as they are now (see `commit_on`)."""
    return commit_on(root, base, paths, f"{words.title}\n\n{words.body}\n".encode())


def commit_on(root: Path, base: str, paths: Sequence[Path], message: bytes) -> str:
    """A commit on top of `base` with these files as they are now; neither index nor work tree nor branch is touched."""
    with tempfile.TemporaryDirectory(prefix="ratchet-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(["read-tree", base], cwd=root, env=index)
        git(["add", "--force", "--", *(str(path) for path in paths)], cwd=root, env=index)
        tree = git(["write-tree"], cwd=root, env=index)
    return git(["commit-tree", tree, "-p", base], cwd=root, env=MACHINE, input=message)


def push_new(remote: Remote, made: str, branch: str) -> None:
    """Push a commit as a branch that must not be there yet. Raises ServiceFailed; a branch that is there stays."""
    lease = f"--force-with-lease=refs/heads/{branch}:"
    try:
        git(["push", "--quiet", lease, remote.name, f"{made}:refs/heads/{branch}"], cwd=remote.root, env=remote.access)
    except ServiceFailed as error:
        raise ServiceFailed(
            error.message,
            next_step=f"see who made {branch}; once it is gone, or git answers again, the next run goes on",
        ) from error


def holds(root: Path, each: Waiting, sha: str) -> bool:
    """Whether a commit is part of the branch as it is now; one of an earlier branch of the same name is not."""
    return git_says(["merge-base", "--is-ancestor", sha, each.commit], cwd=root) is not None


def words_of(root: Path, each: Waiting, title: str) -> Words | None:
    """The words in the message of a branch's newest commit, if its title is `title`; None: somebody else made it."""
    said = git_says(["log", "-1", "--format=%B", each.commit], cwd=root) or ""
    first, _, rest = said.partition("\n")
    return Words(title=title, body=rest.strip()) if first == title else None


def _batches(revision: Revision) -> set[str]:
    return tracked_names(PurePosixPath(name) for name in revision.files(RAW))
