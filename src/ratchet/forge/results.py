"""What a run left behind: `runs/0002-retrain/result.json` and the files beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ratchet.forge.home import Home
from ratchet.io.files import write_json

RESULT = "result.json"
"""Written last: a run's folder without it is a run that was cut off."""

NUMBERED = re.compile(r"(\d{4,})-.+")

FAILURE = "failure"
SKIPPED = "skipped"
"""What act and GitHub call a job that failed, and one that did not run."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run of one workflow. `jobs` maps names to success, failure or skipped; `seconds` is wall time.

    `outputs` are those of all steps, later ones winning; `error` says why act could not be started at all.
    """

    number: int
    workflow: str
    event: str
    ref: str
    sha: str
    ticket: str
    ok: bool
    jobs: Mapping[str, str]
    outputs: Mapping[str, str]
    error: str
    seconds: float
    folder: Path

    @property
    def summary(self) -> Path:
        """The step summaries, as Markdown."""
        return self.folder / "summary.md"

    @property
    def artifacts(self) -> Path:
        """A folder for each artifact that the jobs uploaded."""
        return self.folder / "artifacts"

    @property
    def log(self) -> Path:
        """The progress, as text."""
        return self.folder / "log.txt"


def runs(home: Home) -> list[RunResult]:
    """Every run that ended, oldest first."""
    found = [read(path) for path in home.runs.glob(f"*/{RESULT}")]
    return sorted(found, key=lambda run: run.number)


def read(path: Path) -> RunResult:
    """The result in one result.json."""
    return RunResult(folder=path.parent, **json.loads(path.read_text(encoding="utf-8")))


def write(result: RunResult) -> None:
    """Write result.json, whole or not at all."""
    body = {name: value for name, value in asdict(result).items() if name != "folder"}
    write_json(result.folder / RESULT, body)


def next_number(home: Home) -> int:
    """The number of the next run, from 1."""
    taken = [int(found[1]) for path in home.runs.iterdir() if (found := NUMBERED.fullmatch(path.name))]
    return max(taken, default=0) + 1


def folder(home: Home, number: int, workflow: str) -> Path:
    """Where the run's files are kept."""
    return home.runs / f"{number:04d}-{workflow}"
