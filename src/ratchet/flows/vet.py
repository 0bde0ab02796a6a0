"""A trusted second look at a fork's pull request: what its run left is data of a stranger, and is vetted before use.

Runs the default branch's code with a token that may write. Which pull request it is and its head come from the API, its
files from git; the artifact is asked for numbers alone. The commit status is pending before anything of the stranger's
is read, and never becomes anything else here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from ratchet.core.fork import comment as fork_comment
from ratchet.core.fork.policy import data_files
from ratchet.core.fork.result import ForkResult, parse_result
from ratchet.core.gate_status import context_of
from ratchet.core.params import Params
from ratchet.core.sticky import marker_of
from ratchet.errors import DataRefused, UsageError
from ratchet.flows.comment import About, Conversation, post_comment
from ratchet.flows.fork_change import changed_paths, held_against, other_projects
from ratchet.io.bundle import LARGEST_ZIP, BundleRefused, member_of, read_bundle
from ratchet.io.git import git, git_says, token_environment
from ratchet.io.github.client import Artifact, GitHubFailed, Pull, Status
from ratchet.io.projects import find_projects, touched
from ratchet.io.room import model_in_folder, read_params
from ratchet.io.workflow_run import WorkflowRun, run_of
from ratchet.settings import Settings, find_home

ARTIFACT = "fork-result"
REMOTE = "origin"
WHOLE_HISTORY = 2**31 - 1
"""As a depth, git's word for all of it; a workflow's checkout has one commit."""
ENDED = ("success", "failure", "timed_out")
"""Conclusions of a run that a person waits for; others were called off, or never started."""


class Hub(Conversation, Protocol):
    """What is asked of the API; `ratchet.io.github.GitHub` has it."""

    @property
    def repository(self) -> str:
        """owner/name."""

    def pulls_by_head(self, owner: str, branch: str) -> list[Pull]:
        """The open pull requests from a branch of `owner`."""

    def artifacts(self, run: int, *, name: str = "") -> list[Artifact]:
        """What a run uploaded under a name."""

    def download_artifact(self, artifact: int, into: Path, *, limit: int) -> None:
        """Write an artifact's zip to a file; DataRefused beyond the limit."""

    def set_status(self, sha: str, status: Status) -> None:
        """Give a commit a status."""


@dataclass(frozen=True, kw_only=True)
class Vetted:
    """What came of it: posted, or why not. `markdown` is the text, `problems` what GitHub would not take."""

    state: Literal["posted", "not posted", "outdated", "gone", "nothing"]
    number: int | None = None
    markdown: str = ""
    problems: tuple[str, ...] = ()


def touched_roots(settings: Settings, *, run_id: int, hub: Hub) -> list[Path]:
    """The projects of the repository that a pull request touches, by its commits; all, if it is none that is told of.

    Raises as `vet`, which is then asked about each.
    """
    home = find_home(settings.root)
    projects = find_projects(home)
    run = run_of(settings.github.event, run_id)
    found = _open_pull(hub, run)
    if len(projects) < 2 or isinstance(found, Vetted):
        return [each.at(home) for each in projects[:1]] or [home]
    base = _fetched(settings, found)
    paths = git(["diff-tree", "-r", "--no-renames", "--name-only", "-z", base, run.head_sha], cwd=home).split("\0")
    return [each.at(home) for each in touched(projects, filter(None, paths)) or projects]


def vet(settings: Settings, *, run_id: int, hub: Hub) -> Vetted:
    """Vet what run `run_id` left, and post it into its pull request.

    Raises DataRefused for an artifact that is not what it must be (the conversation then says so, too), UsageError
    outside a workflow_run event of this run, ServiceFailed if GitHub or git do not answer.
    """
    run = run_of(settings.github.event, run_id)
    found = _open_pull(hub, run)
    if isinstance(found, Vetted):
        return found
    if run.conclusion not in ENDED:
        # No status either: none is as closed as a pending one, and a run that only saw a label must not close again
        # what a maintainer has opened since.
        return Vetted(state="nothing", number=found.number)
    problems = _wait(hub, run, context_of(model_in_folder(settings.root)))
    model = read_params(settings.root).project.name
    try:
        text = _comment(settings, hub, run, found)
    except DataRefused as refusal:
        text = fork_comment.refused(model, found.number, run.head_sha, why=refusal.message)
        told = _post_if_current(hub, run, found, model, text)
        if told.state in ("outdated", "gone"):
            return told
        raise
    vetted = _post_if_current(hub, run, found, model, text)
    return replace(vetted, problems=problems + vetted.problems)


def _wait(hub: Hub, run: WorkflowRun, context: str) -> tuple[str, ...]:
    """Close the gate for the commit; a status that is not there keeps it closed as well."""
    waits = Status(context=context, state="pending", description=fork_comment.WAITS, target_url=run.page)
    try:
        hub.set_status(run.head_sha, waits)
    except GitHubFailed as error:
        return (str(error),)
    return ()


def _open_pull(hub: Hub, run: WorkflowRun) -> Pull | Vetted:
    """The one open pull request that has the run's commit at its head, or why there is none.

    By its branch: GitHub does not connect a fork's commit with pull requests here. Raises UsageError if the run is not
    a fork's, DataRefused if several pull requests have that head.
    """
    owner = run.head_repository.partition("/")[0]
    if run.head_repository.lower() == hub.repository.lower():
        raise UsageError(
            "the run is of a branch of this repository, which posts its own report",
            next_step="see the condition of the job in .github/workflows/report.yaml",
        )
    listed = hub.pulls_by_head(owner, run.head_branch) if owner and run.head_branch else []
    ours = [pull for pull in listed if _is_from(pull, run)]
    current = [pull for pull in ours if pull.head_sha == run.head_sha]
    if not current:
        return Vetted(state="outdated" if ours else "gone", number=ours[0].number if ours else None)
    if len(current) > 1:
        raise DataRefused(
            f"{len(current)} open pull requests have the head {run.head_sha[:9]}, and the result is of one of them",
            next_step="close all but one, and push to it",
        )
    return current[0]


def _is_from(pull: Pull, run: WorkflowRun) -> bool:
    """Whether it is open, and from that very fork: an owner can have several."""
    same = pull.head_repository.lower() == run.head_repository.lower() and pull.head_branch == run.head_branch
    return same and pull.state == "open"


def _comment(settings: Settings, hub: Hub, run: WorkflowRun, pull: Pull) -> str:
    params = read_params(settings.root)
    model, number = params.project.name, pull.number
    base = _fetched(settings, pull)
    paths = changed_paths(settings.root, base, run.head_sha)
    against = held_against(settings.root, params, base, run.head_sha, paths)
    if against:
        return fork_comment.held_back(model, number, run.head_sha, against)
    others = [each.name for each in other_projects(settings.root)]
    try:
        # Of several models one may have failed, which ends the run so for all.
        result = _result(hub, run, params, others) if run.conclusion == "success" or others else None
    except BundleRefused:
        if run.conclusion == "success":
            raise
        result = None
    if result is None:
        return fork_comment.not_run(model, number, run.head_sha, page=run.page)
    _require_about(result, base=base, head=run.head_sha, params=params)
    return fork_comment.numbers(model, number, result, alpha=params.gate.alpha, data_files=data_files(paths))


def _fetched(settings: Settings, pull: Pull) -> str:
    """Fetch the pull request's commits, as objects that nothing checks out; returns where it left its base branch."""
    refs = (f"refs/pull/{pull.number}/head", f"refs/heads/{pull.base_branch}")
    git(
        ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", f"--depth={WHOLE_HISTORY}", REMOTE, *refs],
        cwd=settings.root,
        env=token_environment(settings.github.token),
    )
    found = git_says(["merge-base", pull.base_sha, pull.head_sha], cwd=settings.root)
    if found is None:
        raise DataRefused(
            f"the pull request and {pull.base_sha[:9]} have no commit in common, or it has moved since",
            next_step="base it on a commit of this repository",
        )
    return found


def _result(hub: Hub, run: WorkflowRun, params: Params, others: Sequence[str]) -> ForkResult:
    """The one result that the run left of this model, among those of `others`. Raises DataRefused."""
    found = [artifact for artifact in hub.artifacts(run.id, name=ARTIFACT) if artifact.name == ARTIFACT]
    if len(found) != 1 or found[0].expired or found[0].size > LARGEST_ZIP:
        raise BundleRefused(
            f"the run left {len(found)} artifacts called {ARTIFACT}"
            + (f", of {found[0].size:,} bytes" if len(found) == 1 else "")
            + f": exactly one is expected, not expired, of at most {LARGEST_ZIP:,} bytes",
            next_step="push another commit: a run that is repeated may leave a second one",
        )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "artifact.zip"
        hub.download_artifact(found[0].id, path, limit=LARGEST_ZIP)
        wanted = member_of(params.project.name if others else "")
        content = read_bundle(path, wanted, [member_of(name) for name in others])
    return parse_result(content, also=[params.gate.metric])


def _require_about(result: ForkResult, *, base: str, head: str, params: Params) -> None:
    """Raises DataRefused unless the result is of this commit, against where it started, and of this kind of model."""
    expected = {"head": head, "base": base, "task": params.project.task}
    for name, value in expected.items():
        if getattr(result, name) != value:
            raise DataRefused(
                f"the result is of another {name}, {getattr(result, name)}, and the pull request's is {value}",
                next_step="nothing of it is shown; push another commit, or let a maintainer run the change",
            )


def _post_if_current(hub: Hub, run: WorkflowRun, pull: Pull, model: str, text: str) -> Vetted:
    """Post unless the pull request was closed or moved on meanwhile."""
    now = hub.pull(pull.number)
    if now.state != "open":
        return Vetted(state="gone", number=pull.number)
    if now.head_sha != run.head_sha or now.base_branch != pull.base_branch:
        return Vetted(state="outdated", number=pull.number)
    try:
        post_comment(hub, pull.number, text, marker_of(model), About(commits=(run.head_sha,)))
    except GitHubFailed as error:
        return Vetted(state="not posted", number=pull.number, markdown=text, problems=(str(error),))
    return Vetted(state="posted", number=pull.number, markdown=text)
