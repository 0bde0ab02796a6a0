"""The projects of a repository: each a folder with `params.yaml` and `dvc.yaml`, and a model of its own name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ratchet.errors import UsageError, did_you_mean
from ratchet.io.git import git_says
from ratchet.io.yaml_text import parse_yaml
from ratchet.settings import PARAMS, find_home

PIPELINE = "dvc.yaml"
WHOLE = "."
"""The folder of a project that lies at the repository's top."""
COMMON = ("src", "requirements")
"""Folders at the repository's top that all its projects depend on; in `src` lie rooms, too, which not all do."""


@dataclass(frozen=True, kw_only=True)
class FoundProject:
    """A project, as far as its params.yaml can be read: `name` and the others are empty where it cannot.

    `folder` is relative to the repository, with slashes.
    """

    name: str
    folder: str
    task: str = ""
    room: str = ""

    def at(self, home: Path) -> Path:
        """The project's root."""
        return home / self.folder


def find_projects(home: Path) -> list[FoundProject]:
    """All projects of the repository at `home`, by folder; files that git ignores make none."""
    said = git_says(
        ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", PARAMS, f"*/{PARAMS}"], cwd=home
    )
    names = set((said or "").split("\0")) - {""} if said is not None else {PARAMS}
    folders = sorted({PurePosixPath(name).parent.as_posix() for name in names})
    return [_read(home, folder) for folder in folders if _is_project(home / folder)]


def project_named(home: Path, name: str) -> Path:
    """The root of the project whose model has this name.

    Raises UsageError if there is none, with the nearest name, or if there are several, with their places.
    """
    found = find_projects(home)
    wanted = [each for each in found if each.name == name]
    if not wanted:
        names = sorted({each.name for each in found if each.name})
        raise UsageError(
            f"no project in {home} has the model {name}{did_you_mean(name, names)}",
            next_step=f"there are: {', '.join(names)}" if names else f"make one: a folder with {PARAMS} and {PIPELINE}",
        )
    _require_one(name, wanted)
    return wanted[0].at(home)


def elsewhere(start: Path, command: str) -> UsageError | None:
    """Why `command` cannot be about a project where `start` is in none, if the repository has some; else None."""
    found = [each for each in find_projects(find_home(start)) if each.name]
    if not found:
        return None
    places = ", ".join(f"{each.name} in {each.folder}" for each in found)
    return UsageError(
        f"no {PARAMS} in {start} or above it, and the repository has models elsewhere: {places}",
        next_step=f"name the one you mean: ratchet --model {found[0].name} {command}; or type it in its folder",
    )


def require_own_name(root: Path, name: str) -> None:
    """Raises UsageError if another project of the repository has a model of this name: they would be taken for one."""
    _require_one(name, [each for each in find_projects(find_home(root)) if each.name == name])


def touched(projects: Sequence[FoundProject], paths: Iterable[str]) -> list[FoundProject]:
    """The projects that a change of these files, relative to the repository, can make another model of.

    A file in a project's folder is that project's; the rest is that of the project at the top, if there is one. A room
    that projects share touches those that name it, other sources and the locked libraries touch all.

    >>> late, other = FoundProject(name="late", folder="models/late"), FoundProject(name="other", folder="models/other")
    >>> [each.name for each in touched([late, other], ["models/late/params.yaml", "README.md"])]
    ['late']
    """
    hit = {each.folder for path in paths for each in _touched_by(projects, path)}
    return [each for each in projects if each.folder in hit]


def pathspecs(projects: Sequence[FoundProject], folder: str) -> list[str]:
    """The files that touch the project in `folder`, by the rule of `touched`, for git in the repository's folder.

    None means all files: the project is the only one.

    >>> late, other = FoundProject(name="late", folder="a", room="r"), FoundProject(name="other", folder="b", room="s")
    >>> pathspecs([late, other], "a")
    [':(literal)a', ':(literal)src', ':(literal)requirements', ':(exclude,literal)src/s']
    """
    others = [each for each in projects if each.folder != folder]
    if not others:
        return []
    room = next((each.room for each in projects if each.folder == folder), "")
    wanted = ["."] if folder == WHOLE else [folder, *COMMON]
    inside = [each.folder for each in others if folder == WHOLE or each.folder.startswith(f"{folder}/")]
    rooms = sorted({f"src/{each.room}" for each in others if each.room not in ("", room)})
    return [*(f":(literal){path}" for path in wanted), *(f":(exclude,literal){path}" for path in (*inside, *rooms))]


def _touched_by(projects: Sequence[FoundProject], path: str) -> list[FoundProject]:
    inside = [each for each in projects if each.folder != WHOLE and path.startswith(f"{each.folder}/")]
    if inside:
        return [max(inside, key=lambda each: len(each.folder))]
    top, *rest = path.split("/")
    if top not in COMMON:
        return [each for each in projects if each.folder == WHOLE]
    sharing = [each for each in projects if top == "src" and rest[:1] == [each.room]]
    return sharing or list(projects)


def _is_project(folder: Path) -> bool:
    return (folder / PARAMS).is_file() and (folder / PIPELINE).is_file()


def _read(home: Path, folder: str) -> FoundProject:
    """Not by the rules of params.yaml: one that is refused in one project must not hold up the others."""
    try:
        tree = parse_yaml((home / folder / PARAMS).read_text(encoding="utf-8"), source=PARAMS)
    except (OSError, ValueError, UsageError):
        tree = None
    section = tree.get("project") if isinstance(tree, dict) else None
    said = section if isinstance(section, dict) else {}
    name, task, room = (value if isinstance(value := said.get(key), str) else "" for key in ("name", "task", "room"))
    return FoundProject(name=name, folder=folder, task=task, room=room)


def _require_one(name: str, found: Sequence[FoundProject]) -> None:
    if len(found) > 1:
        raise UsageError(
            f"{' and '.join(each.folder for each in found)} both have a model {name}",
            next_step="give each project.name of its own: runs, versions and the ledger go by it",
        )
