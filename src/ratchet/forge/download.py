"""What the stand-in for actions/download-artifact runs, as a script of its own: the standard library is all it needs.

Environment: IN_NAME, IN_IDS, IN_PATTERN, IN_PATH, IN_MERGE, IN_REPOSITORY, IN_RUN from the action; RATCHET_FORGE_RUNS,
the folder of all runs, from the forge; GITHUB_WORKSPACE, GITHUB_REPOSITORY and GITHUB_OUTPUT from act. As with the real
action, one artifact that is named goes into the path itself, and several go into a folder each unless they are merged.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def download(environment: Mapping[str, str]) -> int:
    """Copy the chosen artifacts to where they are asked for, say what was done, and return the exit code."""
    if environment["IN_REPOSITORY"] != environment["GITHUB_REPOSITORY"]:
        return _refuse(f"artifacts of {environment['IN_REPOSITORY']} cannot be reached from here")
    if environment["IN_IDS"]:
        return _refuse("artifact-ids cannot be used here; name the artifacts")
    folder = artifacts(Path(environment["RATCHET_FORGE_RUNS"]), environment["IN_RUN"])
    if folder is None:
        return _refuse(f"there is no run {environment['IN_RUN']}")
    name, pattern = environment["IN_NAME"], environment["IN_PATTERN"]
    chosen = choose(folder, name, pattern)
    if name and not chosen:
        return _refuse(f"run {environment['IN_RUN']} has no artifact called {name}")
    target = Path(environment["GITHUB_WORKSPACE"]) / environment["IN_PATH"]
    copy(chosen, target, flat=bool(name) or environment["IN_MERGE"] == "true")
    print(f"{len(chosen)} artifacts in {target}", flush=True)
    with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"download-path={target}\n")
    return 0


def artifacts(runs: Path, number: str) -> Path | None:
    """The folder with the artifacts of a run, or None if there is no such run."""
    if not number.isdigit():
        return None
    return next((path / "artifacts" for path in runs.glob(f"{int(number):04d}-*")), None)


def choose(folder: Path, name: str, pattern: str) -> list[Path]:
    """The folders of the artifacts that are asked for: the one of that name, else those that match the pattern."""
    known = sorted(path for path in folder.glob("*") if path.is_dir())
    if name:
        return [path for path in known if path.name == name]
    return [path for path in known if not pattern or fnmatch.fnmatchcase(path.name, pattern)]


def copy(chosen: Sequence[Path], target: Path, *, flat: bool) -> None:
    """Copy each artifact's files below `target`: into it if `flat`, else into a folder of the artifact's name."""
    target.mkdir(parents=True, exist_ok=True)
    for one in chosen:
        shutil.copytree(one, target if flat else target / one.name, dirs_exist_ok=True)


def _refuse(words: str) -> int:
    print(f"::error::{words}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(download(os.environ))
