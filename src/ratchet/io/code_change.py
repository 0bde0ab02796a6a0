"""The files of code that differ between a commit and HEAD, by git."""

from __future__ import annotations

from ratchet.core.change.code import parse_numstat
from ratchet.core.change.records import FileChange
from ratchet.io.git import git
from ratchet.io.revision import Revision


def code_changes(base: Revision) -> tuple[FileChange, ...]:
    """The project's code that HEAD has otherwise than `base`; a renamed file is one removed and one added.

    What can change the model comes first (`ratchet.core.code_change.can_change_model`). Raises ServiceFailed.
    """
    # Plumbing: no configuration of the person at the keyboard changes what it prints.
    return parse_numstat(
        git(
            ["diff-tree", "-r", "--numstat", "-z", "--no-renames", "--relative", base.commit, "HEAD"],
            cwd=base.root,
        )
    )
