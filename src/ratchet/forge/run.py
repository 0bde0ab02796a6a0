"""One run of one workflow, from the moment it is planned until its result is written.

`open/0007.json` says what is to run and how it stands, and goes when `runs/0007-retrain/result.json` is there;
`runs/0007-retrain/event.json` is the event that its jobs read. Beside the first lie what other processes ask of it:
`0007.cancel` (`cancellation`) and `0007.approval` (`approvals`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.forge import results
from ratchet.forge.home import Home
from ratchet.forge.tickets import Ticket
from ratchet.io.files import HALF_WRITTEN, write_json

QUEUED = "queued"
RUNNING = "in_progress"
WAITING = "waiting"
"""How a run stands that has not ended, in GitHub's words; WAITING is for an approval."""

ATTEMPTS = 3
"""How often a run is begun before the forge gives it up: its worker died each time."""

GOES_ON = " ..."
"""How the log's line about a step ends that has begun."""

ENDINGS = (".json", ".cancel", ".approval")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that has not ended. `path` is its workflow's file and `title` that workflow's name.

    `group` is its concurrency group, in lower case, or nothing; `environments` are the protected ones that it names;
    `started` is when it was begun last, UTC in ISO 8601.
    """

    number: int
    path: str
    title: str
    ticket: Ticket
    state: str = QUEUED
    group: str = ""
    environments: tuple[str, ...] = ()
    approved_by: str = ""
    attempts: int = 0
    started: str = ""

    @property
    def name(self) -> str:
        """The workflow's file name without its ending."""
        return Path(self.path).stem

    @property
    def called(self) -> str:
        """The run in a message: `retrain #7`."""
        return f"{self.name} #{self.number}"


def folder(home: Home, run: Run) -> Path:
    """Where the run's results go."""
    return results.folder(home, run.number, run.name)


def unfinished(home: Home) -> list[Run]:
    """The runs that have not ended, in the order of their numbers."""
    names = (path for path in home.open.glob("*.json") if not path.name.startswith(HALF_WRITTEN))
    return sorted(filter(None, map(_read, names)), key=lambda run: run.number)


def find(home: Home, number: int) -> Run | None:
    """The run of that number, if it has not ended."""
    return _read(file(home, number))


def plan(home: Home, run: Run, payload: Mapping[str, Any]) -> None:
    """Put a run into the queue, with the event that its jobs will read."""
    place = folder(home, run)
    place.mkdir(parents=True, exist_ok=True)
    write_json(place / "event.json", payload)
    save(home, run)


def save(home: Home, run: Run) -> Run:
    """Write how a run stands, whole or not at all."""
    write_json(file(home, run.number), asdict(run))
    return run


def begin(home: Home, run: Run) -> Run:
    """Say that the run is under way, once more."""
    return save(home, replace(run, state=RUNNING, attempts=run.attempts + 1, started=now()))


def close(home: Home, run: Run) -> None:
    """Forget a run whose result is written, and what was asked of it."""
    for ending in reversed(ENDINGS):
        file(home, run.number, ending).unlink(missing_ok=True)


def file(home: Home, number: int, ending: str = ".json") -> Path:
    """The file about a run that has not ended."""
    return home.open / f"{number:04d}{ending}"


def next_number(home: Home) -> int:
    """The number of the next run, from 1."""
    return max([results.last_number(home), *(run.number for run in unfinished(home))]) + 1


def step(home: Home, run: Run) -> str:
    """The step that goes on, as the log says it: the last one that was begun; nothing before the first."""
    try:
        lines = (folder(home, run) / "log.txt").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    begun = (line for line in reversed(lines) if line.endswith(GOES_ON) and not line.startswith(" "))
    return next(begun, "").removesuffix(GOES_ON)


def now() -> str:
    """The time, UTC in ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: Path) -> Run | None:
    """The run in a file; None if it has ended meanwhile."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Run(**{**body, "ticket": Ticket(**body["ticket"]), "environments": tuple(body["environments"])})
