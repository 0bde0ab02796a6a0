"""What the stand-in for actions/upload-artifact runs, as a script of its own: the standard library is all it needs.

Environment: IN_NAME, IN_PATH, IN_NONE, IN_OVERWRITE, IN_HIDDEN from the action; RATCHET_FORGE_ARTIFACTS from the
forge; GITHUB_WORKSPACE from act. As with the real action, the files keep their paths below the folder that all of
the patterns share.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path


def find(workspace: Path, patterns: Iterable[str], *, hidden: bool) -> list[Path]:
    """The files that `patterns` (relative to `workspace`, in order, `!` leaves out) choose, sorted."""
    chosen: set[Path] = set()
    for pattern in patterns:
        found = _matches(workspace, pattern.removeprefix("!"), hidden=hidden)
        chosen = chosen - found if pattern.startswith("!") else chosen | found
    return sorted(chosen)


def shared_folder(workspace: Path, patterns: Iterable[str]) -> Path:
    """The deepest folder that holds whatever the patterns can choose; the artifact's paths are relative to it."""
    roots = [_fixed_part(workspace, pattern) for pattern in patterns if not pattern.startswith("!")]
    return Path(os.path.commonpath(roots))


def upload(environment: Mapping[str, str]) -> int:
    """Copy the chosen files to the run's folder, say what was done, and return the exit code."""
    workspace, name = Path(environment["GITHUB_WORKSPACE"]), environment["IN_NAME"]
    patterns = [line.strip() for line in environment["IN_PATH"].splitlines() if line.strip()]
    target = Path(environment["RATCHET_FORGE_ARTIFACTS"]) / name
    if not name or "/" in name or "\\" in name or name.startswith("."):
        return _refuse(f"an artifact cannot be called {name!r}")
    chosen = find(workspace, patterns, hidden=environment["IN_HIDDEN"] == "true")
    if not chosen:
        return _nothing(environment["IN_NONE"], ", ".join(patterns))
    if target.exists() and environment["IN_OVERWRITE"] != "true":
        return _refuse(f"this run already has an artifact called {name}; give it another name, or overwrite: true")
    _copy(chosen, shared_folder(workspace, patterns), target)
    print(f"{len(chosen)} files in {target}", flush=True)
    return 0


def _copy(files: Iterable[Path], root: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for file in files:
        copy = target / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _matches(workspace: Path, pattern: str, *, hidden: bool) -> set[Path]:
    found = glob.glob(  # noqa: PTH207  # pathlib cannot leave out hidden files
        pattern, root_dir=workspace, recursive=True, include_hidden=hidden
    )
    roots = (workspace / name for name in found)
    files = (file for root in roots for file in ([root] if root.is_file() else root.rglob("*")) if file.is_file())
    return {file for file in files if hidden or not _is_hidden(os.path.relpath(file, workspace))}


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part != ".." for part in Path(path).parts)


def _fixed_part(workspace: Path, pattern: str) -> Path:
    named = takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts)
    fixed = workspace.joinpath(*named)
    return fixed if fixed.is_dir() else fixed.parent


def _nothing(policy: str, patterns: str) -> int:
    words = f"no files were found at {patterns}"
    if policy == "error":
        return _refuse(words)
    if policy == "warn":
        print(f"::warning::{words}", flush=True)
    return 0


def _refuse(words: str) -> int:
    print(f"::error::{words}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(upload(os.environ))
