"""A temporary project put together from parts of commits and of the work tree, which stay as they are.

Data, code and parameters each come from a commit or from the work tree. The folder is a DVC project of its own that
shares the project's cache and run cache, and its own code runs in it. It starts from the lock of the commit that the
code is from, with that lock's outputs: what is the same there is not made again. Nothing large is copied: DVC links.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ratchet.errors import ServiceFailed, StageFailed
from ratchet.io import cache, dvc, layout
from ratchet.io.git import git
from ratchet.io.reproduction import RESULT
from ratchet.io.revision import Revision
from ratchet.settings import PARAMS, find_home, shared

if TYPE_CHECKING:
    from dvc.repo import Repo

DATA = ("data/raw", "data/lookups")
CODE = ("src", "dvc.yaml", ".dvcignore")
SHARED = ("src", ".dvcignore")
"""Code that the repository has for all its projects, where the project is not the whole of it."""
SMALL = (layout.TRAIN_METRICS, layout.EVALUATE_METRICS, layout.DECISION)
"""Outputs that git holds: without them their stages would count as changed."""
ENVIRONMENT = "requirements/run.txt"
"""The locked libraries: with others, the same inputs make another model."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the parts come from: a commit, or None for the work tree.

    `overrides` replaces parameters by dotted name (`model.seed`). `tables` is a folder with `raw/` and `lookups/` that
    takes the place of the tracked data. `libraries` names the locked libraries that run here, where the outputs on
    record are of others: then every stage runs, and only what was computed with these is taken from a run cache.
    """

    data: Revision | None = None
    code: Revision | None = None
    params: Revision | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    tables: Path | None = None
    libraries: str = ""


@dataclass(frozen=True)
class Reproduced:
    """The stages that ran, and those that the run cache had; a stage that is in neither was up to date."""

    ran: tuple[str, ...]
    restored: tuple[str, ...]


class RerunFailed(StageFailed):
    """A stage of a workspace ended early; `words` are the last that it said."""

    def __init__(self, stage: str, exit_code: int, words: str) -> None:
        super().__init__(stage, exit_code)
        self.words = words
        self.message = f"{self.message}; its last words: {words}"


@dataclass(frozen=True)
class Workspace:
    """The temporary project at `root`; `runs` is a run cache of its own, where it has one."""

    root: Path
    runs: Path | None = None

    def reproduce(self, target: str = "train") -> Reproduced:
        """Bring the pipeline up to date as far as `target`, in a process of its own, by the workspace's own code.

        Raises RerunFailed if a stage ends early, ServiceFailed if DVC does.
        """
        result = find_home(self.root) / RESULT
        done = subprocess.run(
            [sys.executable, "-m", "ratchet.io.reproduction", str(self.root), target, str(self.runs or "")],
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "PYTHONDONTWRITEBYTECODE": "1",
                # DVC remembers hashes by the project's path: that of a folder that is gone helps nobody.
                "DVC_SITE_CACHE_DIR": str(find_home(self.root) / ".dvc" / "site"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        words = _last_words(done.stderr)
        if not result.is_file():
            raise ServiceFailed(f"a rerun of the pipeline failed: {words}", next_step="mend what DVC says")
        found = json.loads(result.read_bytes())
        if found["failed"]:
            raise RerunFailed(found["failed"], found["code"], words)
        return Reproduced(tuple(found["ran"]), tuple(found["restored"]))

    def output(self, path: str) -> str:
        """The name of an output's object in DVC's cache, once it was reproduced. Raises ServiceFailed."""
        lock = yaml.safe_load((self.root / layout.LOCK).read_text(encoding="utf-8"))
        for out in _outs(lock):
            if out.get("path") == path:
                return str(out["md5"])
        raise ServiceFailed(f"no stage of the rerun made {path}", next_step="compare the two dvc.yaml")


@contextmanager
def workspace(root: Path, remote: str | None, parts: Parts) -> Iterator[Workspace]:
    """Put a workspace together from the project at `root` with its DVC `remote`; it is removed afterwards.

    Raises ServiceFailed if tracked data is neither in the cache nor on the remote.
    """
    with tempfile.TemporaryDirectory(prefix="ratchet-") as name:
        home = Path(name).resolve() / "project"
        # As deep as the project is in its repository: the pipeline may name what lies above it.
        place = home / root.relative_to(find_home(root))
        place.mkdir(parents=True)
        _lay_out(root, parts, place)
        with dvc.project(root, remote) as repo:
            _configure(repo, home)
            _bring(repo, place)
        yield Workspace(place, root / ".ratchet" / "runs" / parts.libraries if parts.libraries else None)


def identity(root: Path, parts: Parts) -> str:
    """SHA-256 over all that decides which model a workspace makes, the locked libraries included.

    Files count by git's names of their content; of the parameters the values count, not the text.
    """
    libraries = root / shared(root, ENVIRONMENT)
    inputs = {
        "data": _blobs(root, parts.data, DATA),
        "code": _blobs(root, parts.code, _code(root)),
        "params": _params(root, parts),
        "libraries": libraries.read_text(encoding="utf-8") if libraries.is_file() else "",
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _lay_out(root: Path, parts: Parts, place: Path) -> None:
    _copy(root, parts.code, _code(root), place)
    (place / PARAMS).write_text(yaml.safe_dump(_params(root, parts), sort_keys=False), encoding="utf-8")
    if parts.tables is None:
        _copy(root, parts.data, DATA, place)
        _copy(root, parts.code, (layout.LOCK, *SMALL), place)
        return
    for folder in DATA:
        given = parts.tables / Path(folder).name
        if given.is_dir():
            shutil.copytree(given, place / folder)


def _code(root: Path) -> tuple[str, ...]:
    """Where the code is that a project runs, relative to it."""
    return tuple(dict.fromkeys((*CODE, *(shared(root, name) for name in SHARED))))


def _configure(repo: Repo, home: Path) -> None:
    """Make it a DVC repository without git, whose cache is that of `repo`."""
    from dvc.config import Config

    (home / ".dvc").mkdir()
    with Config(str(home / ".dvc")).edit("repo") as config:
        config["core"] = {"no_scm": True, "analytics": False, "check_update": False}
        config["cache"] = {"dir": repo.cache.legacy.path, "type": "reflink,hardlink,symlink,copy"}
        if shared := repo.config["cache"].get("shared"):
            config["cache"]["shared"] = shared


def _bring(repo: Repo, place: Path) -> None:
    """Have the data, and what can be had of the outputs, in the cache. Raises ServiceFailed if data is nowhere."""
    pointers = [path for folder in DATA for path in sorted((place / folder).glob("*.dvc"))]
    data = [str(out["md5"]) for path in pointers for out in yaml.safe_load(path.read_text("utf-8"))["outs"]]
    lock = place / layout.LOCK
    made = [out["md5"] for out in _outs(yaml.safe_load(lock.read_text("utf-8")) if lock.is_file() else {})]
    missing = set(cache.bring(repo, [*data, *made])) & set(data)
    if missing:
        raise ServiceFailed(
            f"{len(missing)} of the tracked batches and lookups are neither in DVC's cache nor on its remote",
            next_step="push them from a checkout that has them: dvc push",
        )


def _outs(lock: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The outputs of all stages of a lock that DVC keeps in its cache."""
    stages = ((lock or {}).get("stages") or {}).values()
    return [out for stage in stages for out in stage.get("outs", ()) if "md5" in out and out["path"] not in SMALL]


def _params(root: Path, parts: Parts) -> dict[str, Any]:
    text = parts.params.text(PARAMS) if parts.params else (root / PARAMS).read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text or "") or {}
    for name, value in parts.overrides.items():
        *sections, key = name.split(".")
        section = tree
        for each in sections:
            section = section.setdefault(each, {})
        section[key] = value
    return tree


def _copy(root: Path, commit: Revision | None, paths: tuple[str, ...], place: Path) -> None:
    if commit is not None:
        commit.export(paths, place)
        return
    for name in _work_tree(root, paths):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)


def _blobs(root: Path, commit: Revision | None, paths: tuple[str, ...]) -> dict[str, str]:
    """Git's name of the content of each file at or below `paths`, by the file's path."""
    if commit is None:
        names = _work_tree(root, paths)
        # Names from standard input are of the whole work tree, wherever git is called.
        inside = git(["rev-parse", "--show-prefix"], cwd=root)
        asked = "".join(f"{os.path.normpath(inside + name)}\n" for name in names).encode(errors="surrogateescape")
        return dict(zip(names, git(["hash-object", "--stdin-paths"], cwd=root, input=asked).split(), strict=True))
    listing = git(["ls-tree", "-r", "-z", commit.commit, "--", *paths], cwd=commit.root)
    lines = (line.partition("\t") for line in listing.split("\0") if line)
    return {name: entry.split()[2] for entry, _, name in lines}


def _work_tree(root: Path, paths: tuple[str, ...]) -> list[str]:
    """The files that git has or would add, as they are now."""
    listing = git(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths], cwd=root)
    return sorted({name for name in listing.split("\0") if name and (root / name).is_file()})


def _last_words(said: str) -> str:
    """The last line of an error that says what is wrong: not what to do next."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.strip().startswith("next:")]
    return lines[-1] if lines else "nothing"
