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
"""Written last: a run's folder without it is a run that has not ended, or was cut off."""

NUMBERED = re.compile(r"(\d{4,})-.+")

SUCCESS = "success"
FAILURE = "failure"
SKIPPED = "skipped"
CANCELLED = "cancelled"
"""What act and GitHub call how a job ended; a run ends in one of these, too, but is never skipped."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run of one workflow. `jobs` maps names to success, failure, cancelled or skipped; `seconds` is wall time.

    `outputs` are those of all steps, later ones winning; `error` says why the run was cancelled or could not be done.
    `title` is the workflow's own name, `started` UTC in ISO 8601, `pull` the number of the pull request or 0;
    `environments` are the protected ones that it named.
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
    conclusion: str
    title: str = ""
    started: str = ""
    pull: int = 0
    approved_by: str = ""
    environments: tuple[str, ...] = ()

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
    """The result in one result.json, also of a forge that did not write a conclusion yet."""
    body = json.loads(path.read_text(encoding="utf-8"))
    named = {"environments": tuple(body.get("environments", ()))}
    return RunResult(folder=path.parent, **{"conclusion": SUCCESS if body["ok"] else FAILURE, **body, **named})


def write(result: RunResult) -> None:
    """Write result.json, whole or not at all."""
    body = {name: value for name, value in asdict(result).items() if name != "folder"}
    write_json(result.folder / RESULT, body)


def last_number(home: Home) -> int:
    """The highest number of a run that has a folder, or 0."""
    return max((int(found[1]) for path in home.runs.iterdir() if (found := NUMBERED.fullmatch(path.name))), default=0)


def folder(home: Home, number: int, workflow: str) -> Path:
    """Where the run's files are kept."""
    return home.runs / f"{number:04d}-{workflow}"
