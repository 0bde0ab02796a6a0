"""Environments that need an approval, and the approvals: what GitHub's required reviewers are.

Nothing is protected until someone says so (`protect`). A run of a workflow that names a protected environment, in any
of its jobs, waits before it begins; it holds up nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from ratchet.errors import RatchetError, UsageError
from ratchet.forge import jobs, results, source, workflows
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.forge.run import Run
from ratchet.io.files import write_json

ENDING = ".approval"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What somebody said about a run that waited: for which environments, yes or no, and why."""

    by: str
    approved: bool
    environments: tuple[str, ...]
    comment: str = ""


def protected(home: Home) -> tuple[str, ...]:
    """The names of the environments that need an approval."""
    try:
        return tuple(json.loads(home.environments.read_text(encoding="utf-8"))["protected"])
    except FileNotFoundError:
        return ()


def protect(home: Home, environment: str) -> None:
    """From now on, runs that name `environment` wait for an approval.

    Raises UsageError if no workflow of the default branch does, as long as there is that branch.
    """
    sha = source.resolve(home, source.MAIN)
    known = _named(home, sha) if sha else [environment]
    if environment not in known and not any(jobs.EXPRESSION in one for one in known):
        raise UsageError(
            f"no workflow names the environment {environment}", next_step=f"there are: {', '.join(known) or 'none'}"
        )
    _write(home, {*protected(home), environment})


def unprotect(home: Home, environment: str) -> None:
    """From now on they do not; runs that wait already go on waiting. Raises UsageError if none needed it."""
    known = set(protected(home))
    if environment not in known:
        raise UsageError(
            f"{environment} is not protected", next_step=f"protected: {', '.join(sorted(known)) or 'none'}"
        )
    _write(home, known - {environment})


def needed(home: Home, named: Iterable[str]) -> tuple[str, ...]:
    """Those of the `named` environments that need an approval; an expression might come to any of them."""
    guarded = protected(home)
    chosen = {one for name in named for one in (guarded if jobs.EXPRESSION in name else (name,))}
    return tuple(one for one in guarded if one in chosen)


def decide(home: Home, number: int, *, by: str, approved: bool, comment: str = "") -> Run:
    """Write down who let a waiting run go on, or rejected it. Raises UsageError if no such run waits."""
    run = runs.find(home, number)
    if run is None or run.state != runs.WAITING:
        raise UsageError(f"no run {number} waits for an approval", next_step="ratchet forge status")
    write_json(runs.file(home, number, ENDING), {"by": by, "approved": approved, "comment": comment})
    return run


def decision(home: Home, run: Run) -> tuple[str, bool] | None:
    """Who decided about a waiting run, and whether it may go on; None while nobody has."""
    body = _said(home, run)
    return None if body is None else (str(body["by"]), bool(body["approved"]))


def given(home: Home, number: int) -> tuple[Given, ...] | None:
    """What was said about a run while it goes on, or once it has ended; None if there is no such run.

    Of one that has ended only the approval is known, as its result names it.
    """
    run = runs.find(home, number)
    if run is None:
        ended = next((one for one in results.runs(home) if one.number == number), None)
        return None if ended is None else _ended(ended.approved_by, ended.environments)
    said = _said(home, run)
    if said is None:
        return ()
    by, approved = str(said["by"]), bool(said["approved"])
    return (Given(by=by, approved=approved, environments=run.environments, comment=str(said.get("comment", ""))),)


def _ended(by: str, environments: tuple[str, ...]) -> tuple[Given, ...]:
    return (Given(by=by, approved=True, environments=environments),) if by else ()


def _named(home: Home, sha: str) -> list[str]:
    """The environments that a commit's workflows name; a file that cannot be read names none."""
    definitions = source.definitions(home, sha)
    found: set[str] = set()
    for path in filter(workflows.is_workflow, definitions):
        with suppress(RatchetError):
            found.update(jobs.environments(definitions.get, workflows.parse(path, definitions[path])))
    return sorted(found)


def _said(home: Home, run: Run) -> dict[str, object] | None:
    try:
        body = json.loads(runs.file(home, run.number, ENDING).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return dict(body)


def _write(home: Home, names: Iterable[str]) -> None:
    write_json(home.environments, {"protected": sorted(names)})
