"""The statuses of a commit that was measured: its model's own, and in a repository of several the one over all.

`ratchet/gate` is what may be required for merging. It is the only one where the repository is one project. Where there
are several each has its own, `ratchet/gate/late`, and `ratchet/gate` sums up those that a change touches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ratchet.core import gate_status
from ratchet.core.annotations import FILE
from ratchet.core.gate_status import CONTEXT, GateStatus
from ratchet.errors import UsageError
from ratchet.io.git import git, git_says, head_commit
from ratchet.io.github.client import GitHub, Status
from ratchet.io.projects import WHOLE, FoundProject, find_projects
from ratchet.io.yaml_lines import scalar_at
from ratchet.settings import Settings, find_home

BEFORE = f"{CONTEXT}/"
"""What the status of one model of several begins with."""


def status_tasks(
    settings: Settings, client: GitHub, commits: tuple[str, ...], status: GateStatus, *, touched: tuple[str, ...] = ()
) -> Iterator[Callable[[], str]]:
    """What has to be set, each for itself: a task says what it did, or raises GitHubFailed.

    `commits` are the one that was measured and the machine's own on top of it; `touched` names all models that the
    change touches, which may have no status yet. Raises UsageError for a params.yaml that names no model.
    """
    projects = find_projects(find_home(settings.root))
    shares = [each.folder for each in projects] not in ([], [WHOLE])
    own = gate_status.context_of(model_name(settings.root) if shares else "")
    if shares:
        commits = tuple(dict.fromkeys((*commits, _tip(settings.root, projects, commits[0]))))
    for sha in commits:
        yield partial(_give, settings, client, sha, own, status)
    for sha in commits[1:] if shares else ():
        yield partial(_carry, client, commits[0], sha, own)
    for sha in commits if shares else ():
        yield partial(_sum_up, settings, client, sha, touched)


def model_name(root: Path) -> str:
    """The model's name, also where params.yaml is otherwise refused: the comment on it must not say the old verdict."""
    try:
        name = scalar_at((root / FILE).read_text(encoding="utf-8"), "project.name")
    except OSError as error:
        raise UsageError(f"{root / FILE} cannot be read: {error}", next_step="run this inside a project") from error
    if not re.fullmatch(r"[\w-]+", name):
        raise UsageError(f"project.name is {name!r} in {FILE}, which names no model", next_step="ratchet params check")
    return name


def _tip(root: Path, projects: Sequence[FoundProject], measured: str) -> str:
    """The commit that is checked out, if it is on top of the measured one and only adds to other models' folders.

    Runs of other models put their locks there meanwhile. What is said of this model is as true of it. Where it is not,
    or git does not know, it is the measured commit itself.
    """
    home = find_home(root)
    tip = head_commit(home)
    start = git_says(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{measured}^{{commit}}"], cwd=home)
    if not (tip and start) or git_says(["merge-base", "--is-ancestor", start, tip], cwd=home) is None:
        return measured
    paths = git(["diff", "--name-only", "--no-renames", "-z", start, tip], cwd=home).split("\0")
    others = tuple(f"{each.folder}/" for each in projects if each.at(home) != root and each.folder != WHOLE)
    own = f"{root.relative_to(home).as_posix()}/"
    elsewhere = all(path.startswith(others) and not path.startswith(own) for path in paths if path)
    return tip if elsewhere else measured


def _give(settings: Settings, client: GitHub, sha: str, context: str, status: GateStatus) -> str:
    page, words = settings.github.run_page, status.description
    client.set_status(sha, Status(context=context, state=status.state, description=words, target_url=page))
    return f"{context} of {sha[:9]}: {status.state}, {words}"


def _carry(client: GitHub, first: str, last: str, own: str) -> str:
    """Give a commit on top of the measured one what that was told of other models, unless it knows better."""
    known = {status.context for status in client.statuses(last)} | {own}
    others = [each for each in client.statuses(first) if each.context.startswith(BEFORE)]
    newest = {each.context: each for each in reversed(others) if each.context not in known}
    for each in newest.values():
        client.set_status(last, each)
    return f"{last[:9]} keeps {', '.join(sorted(newest)) or 'no status'} of other models"


def _sum_up(settings: Settings, client: GitHub, sha: str, touched: tuple[str, ...]) -> str:
    """Give the commit the one status over all models.

    They are read again once it is written: of two runs that end together, the one that writes last has seen both.
    """
    said, written, found = "", None, _summed(client, sha, touched)
    while found != written:
        said, written = _give(settings, client, sha, CONTEXT, found), found
        found = _summed(client, sha, touched)
    return said


def _summed(client: GitHub, sha: str, touched: tuple[str, ...]) -> GateStatus:
    """The sum of each model's newest status; a model that is touched and has none yet is waited for."""
    newest = {each.context: each.state for each in reversed(client.statuses(sha))}
    told = {name.removeprefix(BEFORE): state for name, state in newest.items() if name.startswith(BEFORE)}
    return gate_status.of_all({**dict.fromkeys(touched, ""), **told})
