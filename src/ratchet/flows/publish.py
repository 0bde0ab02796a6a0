"""Give back what a run computed: outputs and run cache to the DVC remote, `dvc.lock` and metrics to the branch.

So nothing is computed twice: whoever checks out the branch finds the lock, and DVC finds the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import ServiceFailed
from ratchet.io import cache, dvc, layout, timings
from ratchet.io.git import MACHINE, git, git_says, token_environment
from ratchet.settings import Settings


@dataclass(frozen=True)
class Published:
    """How many files went to the DVC remote, and the commit that was pushed; `commit` is empty where none was."""

    files: int
    commit: str
    note: str


def publish(settings: Settings, *, remote: str, branch: str) -> Published:
    """Push outputs, then commit and push the lock and the metrics to `branch` of `remote`.

    A branch that has moved on is left alone: the run of its newer commit publishes instead.
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
        if _moved_on(settings, remote, branch):
            return Published(sent, "", f"{branch} has moved on: its newer commit publishes its own lock")
        raise error
    return Published(sent, commit, f"pushed to {branch}")


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
