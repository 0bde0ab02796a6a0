"""Whole projects on disk, driven as a person drives them: the command line in a process of its own.

`Sandbox` is a folder with everything a project has around it: a home, a git remote, a DVC remote, an MLflow store.
Building one takes seconds, so it is built once, kept as a copy, and put back for each test at the same path: MLflow
keeps absolute addresses.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.forge.home import Home
from ratchet.forge.results import RunResult, runs
from ratchet.io import files

ROOT = Path(__file__).resolve().parents[2]
DIABETES = ROOT / "tests" / "projects" / "diabetes"
PATIENCE_SECONDS = 120
OF_THE_REPOSITORY = (".gitattributes", ".github", "Makefile", "requirements", "pyproject.toml")
NO_TESTS = """
on: workflow_dispatch
jobs:
  green:
    runs-on: ubuntu-latest
    steps:
      - run: "true"
"""
MACHINE = (".dvcignore", ".gitignore", "dvc.yaml")
DATA = ("data/.gitignore", "data/raw/.gitignore", "data/lookups/.gitignore", ".dvc/config", ".dvc/.gitignore")
CODE_ONLY = shutil.ignore_patterns("__pycache__")

VOLATILE = (".dvc/tmp/", "home/dvc/", ".git/index", ".git/ratchet/", ".ratchet/profiles/", "data/refused/")
"""What looking alone may change: locks and memories of hashes, git's memory of time stamps and the index of the ledger,
profiles of batches.

And what came in and was refused, which is kept beside the batches.
"""


@dataclass(frozen=True)
class Said:
    """How a command ended, and all it printed."""

    code: int
    out: str
    error: str


@dataclass(frozen=True)
class Sandbox:
    """A project at `base/project`, with what it needs beside it."""

    base: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.base / "project"

    @property
    def origin(self) -> Path:
        """The bare repository it pushes to, which also holds the ledger."""
        return self.base / "origin.git"

    @property
    def dvc_remote(self) -> Path:
        """The folder that DVC pushes to."""
        return self.base / "dvc"

    @cached_property
    def environment(self) -> dict[str, str]:
        """An environment made from nothing but PATH: nobody's configuration takes part."""
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.base / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self.root / "src"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.base / "home" / "dvc"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.base / 'mlflow' / 'mlflow.db'}",
            "RATCHET_ACTOR": "ada",
            **self.extra,
        }

    def command(self, *arguments: str) -> list[str]:
        """`ratchet ARGUMENTS`, as the project's own code."""
        return [sys.executable, "-m", "ratchet", *arguments]

    def run(self, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Said:
        """Run a command in the checkout and wait for it; `env` goes on top of the environment."""
        done = subprocess.run(
            command,
            cwd=cwd or self.root,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def ratchet(self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Said:
        """Run `ratchet ARGUMENTS`."""
        return self.run(self.command(*arguments), cwd=cwd, env=env)

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        said = self.ratchet(*arguments)
        assert said.code == 0, f"ratchet {' '.join(arguments)}: {said}"
        return said.out

    def git(self, *arguments: str) -> str:
        """Run git in the checkout; it must succeed."""
        said = self.run(["git", *arguments])
        assert said.code == 0, said
        return said.out.strip()

    def commit(self, message: str = "change") -> str:
        """Commit everything; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def set_params(self, **sections: Mapping[str, Any]) -> None:
        """Change keys of sections of params.yaml."""
        path = self.root / "params.yaml"
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, values in sections.items():
            tree[section] = {**tree.get(section, {}), **values}
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")

    def digests(self, *below: str) -> dict[str, str]:
        """SHA-256 by path of every file that counts, under all of the sandbox or under parts of the checkout."""
        starts = [self.root / each for each in below] or [self.base]
        found = (path for start in starts for path in ([start] if start.is_file() else start.rglob("*")))
        return {
            name: files.digest(path)
            for path in sorted(found)
            if path.is_file() and not any(part in (name := str(path.relative_to(self.base))) for part in VOLATILE)
        }

    @property
    def forge(self) -> Home:
        """The forge beside the project, where there is one."""
        return Home(self.base / "forge")

    def forge_runs(self, workflow: str = "") -> list[RunResult]:
        """The runs of the forge, oldest first; of one workflow, if it is named."""
        return [run for run in runs(self.forge) if not workflow or run.workflow == workflow]

    def push(self, message: str) -> str:
        """Commit everything, push data and commit to the forge; returns what it said."""
        self.commit(message)
        assert self.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0
        said = self.run(["git", "push", "forge", "HEAD:main"])
        assert said.code == 0, said
        return re.sub(r"(?m)^remote: |\s+$", "", said.error)

    def ledger(self) -> list[dict[str, Any]]:
        """All entries."""
        return [json.loads(line) for line in self.ok("history", "--json").splitlines()]

    def recorded_runs(self) -> int:
        """How many runs the forge's MLflow holds."""
        count = "import mlflow; print(len(mlflow.search_runs(search_all_experiments=True)))"
        uri = f"sqlite:///{self.forge.mlflow_db}"
        return int(self.run([sys.executable, "-c", count], env={"MLFLOW_TRACKING_URI": uri}).out)

    def keep(self, place: Path) -> Path:
        """Copy all of it to `place`."""
        shutil.copytree(self.base, place, symlinks=True)
        return place

    def restore(self, place: Path) -> None:
        """Make all of it again what it was when it was kept at `place`."""
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.copytree(place, self.base, symlinks=True)


def build(sandbox: Sandbox, room: Path, params: Path) -> None:
    """Lay out a project with a room of its own, its remotes and its home, committed and pushed."""
    root = sandbox.root
    for name in (*MACHINE, *DATA):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, root / name)
    shutil.copyfile(params, root / "params.yaml")
    for package in (ROOT / "src" / "ratchet", room):
        shutil.copytree(package, root / "src" / package.name, ignore=CODE_ONLY)
    (sandbox.base / "home").mkdir()
    (sandbox.base / "home" / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    local = f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {sandbox.dvc_remote}\n"
    (root / ".dvc" / "config.local").write_text(local, encoding="utf-8")
    sandbox.git("init", "--quiet", "--initial-branch=main")
    sandbox.git("init", "--quiet", "--bare", "--initial-branch=main", str(sandbox.origin))
    sandbox.git("remote", "add", "origin", str(sandbox.origin))
    sandbox.commit("Start")
    sandbox.git("push", "--quiet", "origin", "main")


Kept = tuple[Sandbox, Path]
"""A sandbox and the copy that it is put back from."""


@pytest.fixture(scope="session")
def _pulled(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    base = tmp_path_factory.mktemp("small")
    sandbox = Sandbox(base / "live")
    build(sandbox, DIABETES / "src" / "diabetes", DIABETES / "params.yaml")
    sandbox.ok("data", "pull", "--until", "part-04")
    assert sandbox.run([sys.executable, "-m", "dvc", "push", "--quiet"]).code == 0
    sandbox.commit("Add four parts")
    return sandbox, sandbox.keep(base / "pulled")


@pytest.fixture(scope="session")
def _computed(_pulled: Kept) -> Kept:
    sandbox, pulled = _pulled
    sandbox.restore(pulled)
    sandbox.ok("run")
    sandbox.commit("Reproduce")
    return sandbox, sandbox.keep(pulled.with_name("computed"))


@pytest.fixture(scope="session")
def _recorded(_computed: Kept) -> Kept:
    sandbox, computed = _computed
    sandbox.restore(computed)
    sandbox.ok("record")
    return sandbox, sandbox.keep(computed.with_name("recorded"))


@pytest.fixture(scope="session")
def _served(_recorded: Kept) -> Kept:
    sandbox, recorded = _recorded
    sandbox.restore(recorded)
    sandbox.ok("promote")
    return sandbox, sandbox.keep(recorded.with_name("served"))


@pytest.fixture
def pulled(_pulled: Kept) -> Sandbox:
    """The regression project with four batches, tracked, pushed and committed; nothing was run."""
    sandbox, place = _pulled
    sandbox.restore(place)
    return sandbox


@pytest.fixture
def computed(_computed: Kept) -> Sandbox:
    """The same after its first run, which says promote; nothing is recorded."""
    sandbox, place = _computed
    sandbox.restore(place)
    return sandbox


@pytest.fixture
def recorded(_recorded: Kept) -> Sandbox:
    """The same, recorded in MLflow; nothing serves."""
    sandbox, place = _recorded
    sandbox.restore(place)
    return sandbox


@pytest.fixture
def served(_served: Kept) -> Sandbox:
    """The same, promoted: the first champion serves."""
    sandbox, place = _served
    sandbox.restore(place)
    return sandbox


@pytest.fixture(scope="session")
def undisturbed(_computed: Kept) -> dict[str, str]:
    """What a first run leaves in the project with four batches: each file's digest."""
    _, place = _computed
    return Sandbox(place).digests("data", "dvc.lock")


@pytest.fixture(scope="session")
def new_project() -> Callable[[Path], Sandbox]:
    """Makes the regression project in a folder, with its own `.ratchet/env` deciding where MLflow is."""

    def make(base: Path) -> Sandbox:
        sandbox = Sandbox(base, {"MLFLOW_TRACKING_URI": ""})
        build(sandbox, DIABETES / "src" / "diabetes", DIABETES / "params.yaml")
        return sandbox

    return make


@pytest.fixture(scope="session")
def _connected(tmp_path_factory: pytest.TempPathFactory, new_project: Callable[[Path], Sandbox]) -> Kept:
    base = tmp_path_factory.mktemp("push")
    sandbox = new_project(base / "live")
    for name in OF_THE_REPOSITORY:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, sandbox.root / name)
    # The project has no tests of its own that it could run; it is asked for all the same.
    (sandbox.root / ".github" / "workflows" / "ci.yaml").write_text(NO_TESTS, encoding="utf-8")
    lock = sandbox.git("hash-object", "requirements/dev.txt")
    assert (Path(sys.prefix) / f".locked-{lock}").exists(), "make setup: this environment is not that of the lock"
    sandbox.ok("forge", "init", str(sandbox.forge.root))
    sandbox.ok("data", "pull", "--until", "part-04")
    return sandbox, sandbox.keep(base / "connected")


@pytest.fixture
def connected(_connected: Kept) -> Sandbox:
    """A project with the repository's workflows, a forge beside it and four batches, none of it committed or pushed."""
    sandbox, place = _connected
    sandbox.restore(place)
    return sandbox


@pytest.fixture(scope="session")
def _pushed(_connected: Kept) -> Kept:
    sandbox, connected = _connected
    sandbox.restore(connected)
    sandbox.push("Add four parts")
    return sandbox, sandbox.keep(connected.with_name("pushed"))


@pytest.fixture
def pushed(_pushed: Kept) -> Sandbox:
    """A project whose first push to its forge has run its workflows."""
    sandbox, place = _pushed
    sandbox.restore(place)
    return sandbox


@pytest.fixture(scope="session")
def _flights(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    base = tmp_path_factory.mktemp("flights")
    sandbox = Sandbox(base / "live")
    build(sandbox, ROOT / "src" / "flights", ROOT / "params.yaml")
    # Not sealed: these tests look at what the held-out rows say.
    unsealed = {"reuse": {"policy": "open"}}
    sandbox.set_params(model={"params": {"max_iter": 10}}, split={"folds": 1, "open": 0.0}, gate=unsealed)
    sandbox.ok("data", "pull", "--until", "2013-03")
    sandbox.commit("Add three months")
    for command in ("run", "record", "promote"):
        sandbox.ok(command)
    sandbox.commit("Reproduce")
    return sandbox, sandbox.keep(base / "served")


@pytest.fixture
def flights(_flights: Kept) -> Sandbox:
    """The flights of January to March with a small model, whose first version serves."""
    sandbox, place = _flights
    sandbox.restore(place)
    return sandbox


@pytest.fixture(scope="session")
def _april(_flights: Kept) -> Kept:
    sandbox, served = _flights
    sandbox.restore(served)
    sandbox.ok("data", "pull", "--until", "2013-04")
    sandbox.ok("run")
    return sandbox, sandbox.keep(served.with_name("april"))


@pytest.fixture
def april(_april: Kept) -> Sandbox:
    """The same after April came and was judged against the champion."""
    sandbox, place = _april
    sandbox.restore(place)
    return sandbox


@pytest.fixture
def unchanged() -> Iterator[Callable[[Sandbox], None]]:
    """Call it with a sandbox: when the test ends, every file of it must be what it was then."""
    before: list[tuple[Sandbox, dict[str, str]]] = []
    yield lambda sandbox: before.append((sandbox, sandbox.digests()))
    for sandbox, digests in before:
        assert sandbox.digests() == digests
