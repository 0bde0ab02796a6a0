"""The files of code that differ between a commit and HEAD, by git."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.change.code import parse_numstat
from ratchet.core.change.records import FileChange
from ratchet.io.git import git
from ratchet.io.revision import Revision
from ratchet.settings import find_home, shared


def code_changes(base: Revision) -> tuple[FileChange, ...]:
    """The project's code that HEAD has otherwise than `base`; a renamed file is one removed and one added.

    Of a project in a folder that is what lies there, and the sources that the repository's projects share.
    What can change the model comes first (`ratchet.core.change.code.can_change_model`). Raises ServiceFailed.
    """
    home = find_home(base.root)
    if home == base.root:
        return parse_numstat(_numstat(base, home))
    common = _numstat(base, home, "src").split("\0")
    moved = [
        f"{change}\t{shared(base.root, path)}" for change, _, path in (each.rpartition("\t") for each in common if each)
    ]
    return parse_numstat("\0".join([_numstat(base, base.root), *moved]))


def _numstat(base: Revision, folder: Path, *paths: str) -> str:
    """What git says of the files in a folder of the repository, or of some there."""
    # Plumbing: no configuration of the person at the keyboard changes what it prints.
    options = ["-r", "--numstat", "-z", "--no-renames", "--relative"]
    return git(["diff-tree", *options, base.commit, "HEAD", "--", *paths], cwd=folder)
