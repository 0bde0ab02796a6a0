"""What a fork's pull request changes, by git's word, and what of that keeps its numbers back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ratchet.core.fork.policy import PARAMS, Reason, reasons
from ratchet.core.params import Params
from ratchet.io.bundle import read_yaml
from ratchet.io.git import git
from ratchet.io.projects import FoundProject, find_projects
from ratchet.io.revision import Revision
from ratchet.settings import find_home


def changed_paths(root: Path, base: str, head: str) -> list[str]:
    """Every path that differs between two commits, a renamed file's old one too: relative to the project in its folder.

    Others are relative to the repository.

    Not the API's list: that is of whatever the head is when it is asked, and a head can be pushed away and back.
    """
    listing = git(["diff-tree", "-r", "--no-renames", "--name-only", "-z", base, head], cwd=root)
    inside = git(["rev-parse", "--show-prefix"], cwd=root)
    return [path.removeprefix(inside) for path in listing.split("\0") if path]


def other_projects(root: Path) -> list[FoundProject]:
    """The other projects of the repository of the one at `root`."""
    home = find_home(root)
    return [each for each in find_projects(home) if each.at(home) != root]


def held_against(root: Path, params: Params, base: str, head: str, paths: Sequence[str]) -> tuple[Reason, ...]:
    """What keeps the numbers back; the two params.yaml are read only if the pull request changes it."""
    before, after = (
        (read_yaml(Revision(root, commit).text(PARAMS)) for commit in (base, head)) if PARAMS in paths else (None, None)
    )
    return reasons(paths, room=params.project.room, base=before, head=after, elsewhere=_elsewhere(root, params))


def _elsewhere(root: Path, params: Params) -> Iterator[str]:
    """The folders of other projects, and the rooms at the top that only they have."""
    for each in other_projects(root):
        yield f"{each.folder}/"
        if each.room and each.room != params.project.room:
            yield f"src/{each.room}/"
