"""What the forge adds to the commands it runs, and what a merge costs after its pull request was trained.

    python -m benchmarks.forge [--rounds N] [--only overhead|merge]

Overhead: the same change is pushed to a forge, and done by hand with the commands of the workflow, in two projects that
are alike; the difference of the two on the wall is what checkout, act, the queue and the report's upload cost. The
project is the small one of the tests, so that training does not hide it.

Merge: a month of flights as a pull request, then its merge; the seconds are those of the runs.
The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks.project import PYTHON, RATCHET, REPOSITORY
from ratchet.forge.home import INSIDE, Home
from ratchet.forge.results import RunResult, runs

SMALL = REPOSITORY / "tests" / "projects" / "diabetes"
MACHINE = (
    ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitattributes", ".github", ".gitignore", "Makefile",
    "data/.gitignore", "data/lookups/.gitignore", "data/raw/.gitignore", "dvc.yaml", "pyproject.toml", "requirements",
    "src/ratchet",
)  # fmt: skip
BY_HAND = (("data", "fetch"), ("run",), ("report",), ("publish", "--remote", "forge", "--branch", "main"), ("record",))
OVERHEAD_SECONDS = 3.0
MERGE_SHARE = 0.15
HISTORY, NEW = "2013-06", "2013-07"


@dataclass(frozen=True)
class Site:
    """A project in `base/project` with a forge beside it."""

    base: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.base / "project"

    @property
    def home(self) -> Home:
        """The forge."""
        return Home(self.base / "forge")

    def run(self, *command: str, env: dict[str, str] | None = None) -> float:
        """Run a command in the checkout; returns its seconds on the wall. Raises RuntimeError with its words."""
        begun = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**_environment(self), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout[-2000:]}")
        return time.perf_counter() - begun

    def ratchet(self, *arguments: str) -> float:
        """`ratchet ARGUMENTS`; returns its seconds."""
        return self.run(*RATCHET, *arguments)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def result(self, workflow: str) -> RunResult:
        """The newest run of a workflow. Raises RuntimeError if it did not end well."""
        found = [run for run in runs(self.home) if run.workflow == workflow]
        if not found or not found[-1].ok:
            raise RuntimeError(f"{workflow} did not end well: {found[-1].log.read_text() if found else 'no run'}")
        return found[-1]


def overhead(folder: Path, rounds: int) -> bool:
    """Pairs of the same change by push and by hand; prints the medians and says whether the goal is reached."""
    pushed, manual = (_site(folder / name, SMALL / "src" / "diabetes", SMALL / "params.yaml") for name in ("a", "b"))
    for site in (pushed, manual):
        site.ratchet("data", "pull", "--until", "part-04")
        site.run(PYTHON, "-m", "dvc", "push", "--quiet")
        site.commit("Add four parts")
        site.run("git", "push", "--quiet", "forge", "HEAD:main")
        site.run("git", "pull", "--quiet", "--ff-only", "forge", "main")
    pairs = [(_by_push(pushed, number), _by_hand(manual, number)) for number in range(1, rounds + 1)]
    extra = statistics.median(ours - theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"push {ours:.2f} s, by hand {theirs:.2f} s, overhead {extra:.2f} s (median of {rounds} pairs), "
        f"goal at most {OVERHEAD_SECONDS:g} s"
    )
    return extra <= OVERHEAD_SECONDS


def merge(folder: Path, rounds: int) -> bool:
    """A pull request with a month of flights and its merge; prints both and says whether the goal is reached."""
    shares = [_merge_once(folder / str(number)) for number in range(rounds)]
    share = statistics.median(merged / proposed for proposed, merged in shares)
    proposed, merged = (statistics.median(side) for side in zip(*shares, strict=True))
    print(
        f"pull request {proposed:.1f} s, its merge {merged:.1f} s: {share:.1%} (median of {rounds}), "
        f"goal at most {MERGE_SHARE:.0%}"
    )
    return share <= MERGE_SHARE


CASES: dict[str, tuple[Callable[[Path, int], bool], int]] = {"overhead": (overhead, 5), "merge": (merge, 3)}


def main() -> int:
    """Run the cases; returns the exit code."""
    parser = argparse.ArgumentParser(description="What the forge adds, and what a merge costs.")
    parser.add_argument("--rounds", type=int, help="rounds of every case; the default is one number for each")
    parser.add_argument("--only", choices=CASES, help="one case alone")
    asked = parser.parse_args()
    reached = True
    for name in CASES if asked.only is None else [asked.only]:
        case, rounds = CASES[name]
        with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as folder:
            reached &= case(Path(folder), asked.rounds or rounds)
    return 0 if reached else 1


def _by_push(site: Site, number: int) -> float:
    _change(site, number)
    seconds = site.run("git", "push", "--quiet", "forge", "HEAD:main")
    site.run("git", "pull", "--quiet", "--ff-only", "forge", "main")
    site.result("retrain")
    return seconds


def _by_hand(site: Site, number: int) -> float:
    _change(site, number)
    # A push from inside a job starts no run: only the branch moves.
    site.run("git", "push", "--quiet", "forge", "HEAD:main", env={INSIDE: str(site.home.root)})
    inside = {INSIDE: str(site.home.root)}
    return sum(site.run(*RATCHET, *command, env=inside) for command in BY_HAND)


def _change(site: Site, number: int) -> None:
    """A change of a parameter that every stage from training on depends on, and that the gate does not promote."""
    path = site.root / "params.yaml"
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["model"]["params"]["alpha"] = 1000.0 + number
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    site.commit(f"alpha {number}")


def _merge_once(base: Path) -> tuple[float, float]:
    """Seconds of the pull request's run and of the run that its merge started."""
    site = _site(base, REPOSITORY / "src" / "flights", REPOSITORY / "params.yaml")
    site.ratchet("data", "pull", "--until", HISTORY)
    site.run(PYTHON, "-m", "dvc", "push", "--quiet")
    site.commit("History")
    site.run("git", "push", "--quiet", "forge", "HEAD:main")
    site.run("git", "pull", "--quiet", "--ff-only", "forge", "main")
    site.run("git", "switch", "--quiet", "--create", "new-month")
    site.ratchet("data", "pull", "--until", NEW)
    site.run(PYTHON, "-m", "dvc", "push", "--quiet")
    site.commit("A new month")
    site.ratchet("pr", "open", "--title", "A new month")
    proposed = site.result("pull-request").seconds
    site.ratchet("pr", "merge", "1")
    merged = site.result("retrain")
    if "train:" in merged.log.read_text(encoding="utf-8"):
        raise RuntimeError("the merge trained again")
    shutil.rmtree(base)
    return proposed, merged.seconds


def _site(base: Path, room: Path, params: Path) -> Site:
    """A committed project with this repository's machine, a room, and a forge beside it."""
    site = Site(base)
    (base / "home").mkdir(parents=True)
    for name in MACHINE:
        if (REPOSITORY / name).exists():
            _copy(REPOSITORY / name, site.root / name)
    _copy(room, site.root / "src" / room.name)
    _copy(params, site.root / "params.yaml")
    site.run("git", "init", "--quiet", "--initial-branch=main")
    site.commit("Start")
    site.ratchet("forge", "init", str(site.home.root))
    return site


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _environment(site: Site) -> dict[str, str]:
    who = {f"GIT_{role}_{part}": "benchmark" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    path: Sequence[str] = (str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath))
    return {
        **who,
        "PATH": os.pathsep.join(path),
        "HOME": str(site.base / "home"),
        "PYTHONPATH": str(site.root / "src"),
        "DVC_SITE_CACHE_DIR": str(site.base / "home" / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        **site.environment,
    }


if __name__ == "__main__":
    sys.exit(main())
