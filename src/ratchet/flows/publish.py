"""Give back what a run computed: outputs and run cache to the DVC remote, `dvc.lock` and metrics to the branch.

So nothing is computed twice: whoever checks out the branch finds the lock, and DVC finds the outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.lock_merge import is_lock, is_result
from ratchet.errors import ServiceFailed
from ratchet.io import cache, dvc, layout, timings
from ratchet.io.data_branches import commit_on
from ratchet.io.git import MACHINE, git, git_says, token_environment
from ratchet.io.ledger_branch import attempts
from ratchet.settings import Settings


@dataclass(frozen=True)
class Published:
    """How many files went to the DVC remote, and the commit that was pushed; `commit` is empty where none was."""

    files: int
    commit: str
    note: str


def publish(settings: Settings, *, remote: str, branch: str) -> Published:
    """Push outputs, then commit and push the lock and the metrics to `branch` of `remote`.

    A branch that has moved on is left alone: the run of its newer commit publishes instead. Where all that is new on it
    are results of the repository's other models, these go on top of them: no run follows such a commit.
    Raises ServiceFailed if the DVC remote does not answer.
    """
    root = settings.root
    with dvc.project(root, settings.dvc_remote) as repo:
        sent = dvc.push(repo) + cache.push_small(repo) + cache.push_remembered(repo)
    paths = [path for path in layout.RESULTS if (root / path).is_file()]
    git(["add", "--", *paths], cwd=root)
    if git_says(["diff", "--cached", "--quiet", "--", *paths], cwd=root) is not None:
        return Published(sent, "", "the branch already has this lock")
    git(["commit", "--quiet", "-m", _message(root), "--", *paths], cwd=root, env=MACHINE)
    commit = git(["rev-parse", "HEAD"], cwd=root)
    try:
        git(
            ["push", "--quiet", remote, f"HEAD:refs/heads/{branch}"],
            cwd=root,
            env=token_environment(settings.git_token),
        )
    except ServiceFailed as error:
        if not _moved_on(settings, remote, branch):
            raise error
        on_top = _on_top(settings, paths, remote, branch)
        if not on_top:
            return Published(sent, "", f"{branch} has moved on: its newer commit publishes its own lock")
        commit = on_top
    return Published(sent, commit, f"pushed to {branch}")


def _on_top(settings: Settings, paths: Sequence[str], remote: str, branch: str) -> str:
    """The commit of `paths` on top of the remote branch, pushed; empty if what is new there may be this model's."""
    root, token = settings.root, token_environment(settings.git_token)
    message = git(["log", "-1", "--format=%B", "HEAD"], cwd=root).encode()
    for _ in attempts():
        git(["fetch", "--quiet", "--no-tags", remote, f"refs/heads/{branch}"], cwd=root, env=token)
        head = git(["rev-parse", "FETCH_HEAD"], cwd=root)
        if not _of_others(root, head):
            return ""
        commit = commit_on(root, head, [root / path for path in paths], message)
        try:
            git(["push", "--quiet", remote, f"{commit}:refs/heads/{branch}"], cwd=root, env=token)
        except ServiceFailed:
            # Another model's run may have been faster once more.
            continue
        return commit
    return ""


def _of_others(root: Path, head: str) -> bool:
    """Whether a commit differs from what was measured here only in results of other projects."""
    inside = git(["rev-parse", "--show-prefix"], cwd=root)
    base = git(["merge-base", "HEAD", head], cwd=root)
    changed = git(["diff", "--name-only", "--no-renames", "-z", base, head], cwd=root).split("\0")
    own = {inside + path for path in layout.RESULTS}
    return all((is_lock(path) or is_result(path)) and path not in own for path in filter(None, changed))


def _message(root: Path) -> str:
    """What the commit is; its last paragraph, a trailer, says how long the stages took that were computed for it."""
    source = git(["rev-parse", "--short", "HEAD"], cwd=root)
    # No [skip ci]: a squash merge puts these words into the commit on main, which must run.
    said = f"The lock, the metrics and the decision of the pipeline at {source}."
    return "\n\n".join(filter(None, (f"Reproduce {source}", said, timings.trailer(root)))) + "\n"


def _moved_on(settings: Settings, remote: str, branch: str) -> bool:
    """Whether the remote branch has commits that this one was not made from."""
    root, token = settings.root, token_environment(settings.git_token)
    head = (git_says(["ls-remote", remote, f"refs/heads/{branch}"], cwd=root, env=token) or "").split()
    return bool(head) and git_says(["merge-base", "--is-ancestor", head[0], "HEAD"], cwd=root) is None
