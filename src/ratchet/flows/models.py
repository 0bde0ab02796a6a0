"""The models of a repository: where each is, what serves of it, and which a change touches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ratchet.core.ledger import champion
from ratchet.core.ledger_entries import Line
from ratchet.errors import RatchetError, UsageError
from ratchet.flows.ledger import ledger
from ratchet.io.batches import RawBatches, tracked_names
from ratchet.io.git import git, git_says
from ratchet.io.projects import WHOLE, FoundProject, find_projects, touched
from ratchet.io.room import read_params
from ratchet.settings import load_settings

__all__ = ["Model", "Picked", "models", "picked"]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of the repository: `version` serves by the ledger, `batch` is the newest; each None if there is none.

    `problem` says why its project cannot be read, or its ledger; it is empty where nothing is wrong.
    """

    name: str
    folder: str
    task: str
    version: int | None = None
    batch: str | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """Which model a run of a workflow is about, which others need a run of their own, and all that are touched.

    `model` is empty where the repository is one project: no command has to name it then. `touched` is told to every one
    of the runs: a pull request is through when all of these are.
    """

    model: str
    others: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


def models(home: Path) -> list[Model]:
    """Every model of the repository at `home`, by folder."""
    ledgers: dict[str, tuple[Line, ...]] = {}
    return [_model(home, each, ledgers) for each in find_projects(home)]


def picked(home: Path, since: str, only: str = "") -> Picked:
    """The models that the commits since `since` (a commit, or a branch here or on origin) touch; all, if it is unknown.

    `only` names one, which is then the one. Where nothing is touched all are taken: a run that has nothing to do is
    short. Raises UsageError if there is no project, or one whose name cannot be read.
    """
    projects = find_projects(home)
    if [each.folder for each in projects] == [WHOLE]:
        return Picked(model=only)
    if only and not all(each.name for each in projects):
        return Picked(model=only, touched=(only,))
    unnamed = [each.folder for each in projects if not each.name]
    if unnamed or not projects:
        raise UsageError(
            f"project.name cannot be read in {', '.join(unnamed)}" if unnamed else f"{home} has no project",
            next_step="ratchet params check, in that folder",
        )
    paths = _changed(home, since)
    names = [each.name for each in (touched(projects, paths) if paths else projects) or projects]
    model = only or names[0]
    return Picked(model=model, others=() if only else tuple(names[1:]), touched=tuple(dict.fromkeys((*names, model))))


def _changed(home: Path, since: str) -> list[str]:
    """The files that HEAD has otherwise than where it and `since` came from; none where git does not know that."""
    for ref in (since, f"refs/remotes/origin/{since}") if since else ():
        base = git_says(["merge-base", ref, "HEAD"], cwd=home)
        if base:
            said = git(["diff", "--name-only", "--no-renames", "-z", base, "HEAD"], cwd=home)
            return [path for path in said.split("\0") if path]
    return []


def _model(home: Path, project: FoundProject, ledgers: dict[str, tuple[Line, ...]]) -> Model:
    """One model; `ledgers` keeps what was read, by branch: most projects share one."""
    root = project.at(home)
    newest = max(tracked_names(RawBatches(root).folder.glob("*.dvc")), default=None)
    found = Model(name=project.name, folder=project.folder, task=project.task, batch=newest)
    try:
        params = read_params(root)
        branch = ledger(load_settings(root), params)
        if branch.branch not in ledgers:
            ledgers[branch.branch] = branch.read()
        serving = champion(ledgers[branch.branch], project.name)
    except RatchetError as error:
        return replace(found, problem=error.message)
    return replace(found, version=serving.version if serving else None)
