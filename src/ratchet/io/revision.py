"""A commit of this project: its files from git, its outputs from DVC's cache or remote. The work tree is left alone."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ratchet.core.lock_merge import is_lock, is_result
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io import layout
from ratchet.io.git import git, git_says
from ratchet.settings import PARAMS, shared

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True)
class Revision:
    """One commit of the project at `root`; `commit` is its full hash."""

    root: Path
    commit: str

    def text(self, path: str) -> str | None:
        """A file's text, or None if the commit has no such file."""
        return git_says(["cat-file", "blob", f"{self.commit}:./{path}"], cwd=self.root)

    def files(self, *under: str) -> list[str]:
        """The paths of the commit's files, or of those below the folders `under`, relative to the project."""
        listing = git(["ls-tree", "-r", "-z", "--name-only", self.commit, "--", *under], cwd=self.root)
        return [name for name in listing.split("\0") if name]

    def export(self, paths: Iterable[str], into: Path) -> None:
        """Write the commit's files at or below `paths` into the folder `into`, under the same names.

        Paths that the commit does not have are left out.
        """
        for name in sorted({name for path in paths for name in self.files(path)}):
            self._write(name, into / name)

    def export_room(self, room: str, into: Path) -> None:
        """Write the commit's room to `into/src/<room>`, whether it is the project's own or one that projects share."""
        own = f"src/{room}"
        place = next((place for place in (own, shared(self.root, own)) if self.files(place)), own)
        for name in self.files(place):
            self._write(name, into / own / name[len(place) + 1 :])

    def lock(self) -> dict[str, Any]:
        """The stages of `dvc.lock` by name: cmd, deps, params, outs; empty if nothing was computed for the commit."""
        return _stages(self.text(layout.LOCK))

    def outs(self) -> dict[str, str]:
        """The MD5 of each output in `dvc.lock`, by path."""
        return _outs(self.lock())

    def outs_here(self) -> dict[str, str]:
        """The same of the work tree."""
        path = self.root / layout.LOCK
        return _outs(_stages(path.read_text(encoding="utf-8") if path.is_file() else None))

    def untrained(self, stages: Iterable[str]) -> tuple[str, ...]:
        """The files and sections of params.yaml that these stages' lock entries are not of: the lock is an older one.

        Data that DVC tracks is not looked at. Empty where the lock is the commit's own, or has none of the stages.
        """
        lock = self.lock()
        entries = [lock[name] for name in stages if name in lock]
        wanted = {dep["path"]: dep.get("md5", "") for entry in entries for dep in entry.get("deps", ())}
        # Of the project, and what it shares with the repository's others.
        files = {*self.files(), *self.files(shared(self.root, "src"))}
        paths = [path for path, md5 in wanted.items() if not path.startswith("data/") and self._md5(path, files) != md5]
        tree = yaml.safe_load(self.text(PARAMS) or "") or {}
        asked = [entry.get("params", {}).get(PARAMS, {}) for entry in entries]
        sections = {name for each in asked for name, value in each.items() if _value(tree, name) != value}
        return (*sorted(sections), *sorted(paths))

    def _md5(self, path: str, files: Iterable[str]) -> str:
        """What DVC calls the content of a file or folder that git holds."""
        inside = [name for name in files if name.startswith(f"{path}/")]
        if not inside:
            return _digest(self._bytes(path))
        listing = [{"md5": _digest(self._bytes(name)), "relpath": name[len(path) + 1 :]} for name in sorted(inside)]
        return f"{_digest(json.dumps(listing, sort_keys=True).encode())}.dir"

    def _write(self, path: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self._bytes(path))

    def _bytes(self, path: str) -> bytes:
        text = git(["cat-file", "blob", f"{self.commit}:./{path}"], cwd=self.root, strip=False)
        return text.encode(errors="surrogateescape")

    def fetch(self, repo: Repo, paths: Iterable[str], into: Path) -> None:
        """Copy outputs or tracked data, or files in them, into the folder `into`, under the same names.

        They come from the cache, and from the remote where it has them. The reader verifies them, as everywhere.
        Raises ServiceFailed if one is nowhere.
        """
        from dvc.fs import DVCFileSystem

        with repo.switch(self.commit):
            fs = DVCFileSystem(repo=repo)
            for path in paths:
                _copy(fs, self.commit, path, into / path)


def base_of(root: Path, ref: str) -> Revision:
    """What HEAD is compared with: the commit that it and `ref` (a branch, here or on origin, or a commit) came from.

    If the machine has since reproduced that very commit on `ref`, its lock is newer and its inputs are the same: then
    that one. Raises UsageError if there is no such ref, or the two have nothing in common.
    """
    for name in (ref, f"refs/remotes/origin/{ref}"):
        if git_says(["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=root) is None:
            continue
        found = git_says(["merge-base", name, "HEAD"], cwd=root)
        if found is None:
            raise UsageError(
                f"{ref} and HEAD have no commit in common", next_step="fetch the whole history: git fetch --unshallow"
            )
        return Revision(root, _reproduced(root, found, name))
    raise UsageError(f"there is no {ref} to compare with", next_step=f"git fetch origin {ref}, or name another base")


@contextmanager
def exported(revision: Revision, *paths: str) -> Iterator[Path]:
    """A temporary folder with the commit's files at or below `paths`."""
    with tempfile.TemporaryDirectory() as name:
        revision.export(paths, Path(name))
        yield Path(name)


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _stages(lock: str | None) -> dict[str, Any]:
    return dict((yaml.safe_load(lock) or {}).get("stages") or {}) if lock else {}


def _value(tree: Any, name: str) -> Any:
    """The parameter that a lock calls `name`: a section, or a key in one, such as `gate.metric`; None if not there."""
    for part in name.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def _outs(stages: dict[str, Any]) -> dict[str, str]:
    outs = (out for stage in stages.values() for out in stage.get("outs", ()))
    return {out["path"]: out["md5"] for out in outs if "md5" in out}


def _reproduced(root: Path, commit: str, ref: str) -> str:
    """The last commit from `commit` towards `ref` that differs from it only in what pipelines write."""
    inside = git(["rev-parse", "--show-prefix"], cwd=root)
    results = {inside + name for name in layout.RESULTS}
    later = git(["rev-list", "--first-parent", "--reverse", f"{commit}..{ref}"], cwd=root).split()
    for one in later:
        changed = git(["diff", "--name-only", "-z", commit, one], cwd=root).split("\0")
        if not all(path in results or is_lock(path) or is_result(path) for path in filter(None, changed)):
            break
        commit = one
    return commit


def _copy(fs: Any, commit: str, path: str, target: Path) -> None:
    from dvc.repo.data import DataIndexDirError

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        fs.get(path, str(target), recursive=fs.isdir(path))
    except (OSError, KeyError, DataIndexDirError) as error:
        # What DVC says names places of this machine, and reports are read elsewhere.
        raise ServiceFailed(
            f"{path} of commit {commit[:9]} is neither in DVC's cache nor on its remote",
            next_step="push it from where it was made: ratchet publish, or dvc push",
        ) from error
