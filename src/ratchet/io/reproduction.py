"""Reproducing a workspace: `python -m ratchet.io.reproduction FOLDER TARGET [RUNS]`, in a process of its own.

A process of its own, since DVC works in the current folder and hands its environment on to the stages, and so that what
the stages say can be told apart. The result is left in the workspace.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.io import dvc, files, layout
from ratchet.settings import find_home

if TYPE_CHECKING:
    from dvc.repo import Repo

RESULT = ".dvc/reproduced.json"
"""In the workspace's repository: stages that ran, those that were restored, the one that failed and its exit code."""


@dataclass
class Watch:
    """Stands where DVC asks its run cache for a stage: asked and not found, the stage runs."""

    repo: Repo
    ran: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)

    def restore(self, stage: Any, **options: Any) -> None:
        """What `repo.stage_cache.restore` does, noted. Raises what it raises where it has no entry."""
        self.ran.append(stage.name)
        type(self.repo.stage_cache).restore(self.repo.stage_cache, stage, **options)
        self.restored.append(self.ran.pop())


def reproduce(root: Path, target: str, runs: str) -> dict[str, Any]:
    """Put the lock's outputs in place and bring `target` up to date; returns what RESULT holds.

    With `runs`, a folder, every stage runs unless that run cache has it.
    """
    with dvc.project(root, None) as repo:
        repo.checkout(targets=[target], with_deps=True, force=True, allow_missing=True)
    if runs:
        (root / layout.LOCK).unlink(missing_ok=True)
    with dvc.project(root, None) as repo:
        if runs:
            repo.stage_cache.cache_dir = runs
        watch = Watch(repo)
        repo.stage_cache.restore = watch.restore
        code = _run(repo, target)
    failed = watch.ran.pop() if code else ""
    return {"ran": watch.ran, "restored": watch.restored, "failed": failed, "code": code}


def _run(repo: Repo, target: str) -> int:
    """The exit code of the stage that failed; 0 if none did."""
    from dvc.exceptions import ReproductionError

    try:
        repo.reproduce(target)
    except ReproductionError as error:
        code = dvc.EXIT_CODE.search(str(error.__cause__))
        if code is None:
            raise
        return max(int(code[1]), 1)
    return 0


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    files.write_json(find_home(folder) / RESULT, reproduce(folder, sys.argv[2], sys.argv[3]))
