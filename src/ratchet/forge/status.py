"""How things stand: what runs and at which step, what waits and for what."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from ratchet.errors import UsageError
from ratchet.forge import planning, results, tickets
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.forge.run import Run

GLANCE_SECONDS = 0.1
"""How often a follower looks for new lines."""


def lines(home: Home, *, now: datetime) -> Iterator[str]:
    """One line for each run that has not ended and each event that has not been looked at yet; none if there is none.

    `now` is the time, with its zone.
    """
    unfinished = runs.unfinished(home)
    for run in unfinished:
        yield f"{run.number:>4}  {run.state:<11}  {run.name}  {planning.called(run.ticket)}  {_why(home, run, now)}"
    for ticket in tickets.waiting(home):
        if not ticket.planned:
            yield f"   -  new          {planning.called(ticket)}"
    if not works(home) and (tickets.waiting(home) or any(run.state != runs.WAITING for run in unfinished)):
        yield "no worker is at it; the next push goes on, or: ratchet forge work"


def log(home: Home, number: int | None) -> Path:
    """The log of a run, of the newest one without a number. Raises UsageError if there is none."""
    found = {int(path.name.partition("-")[0]): path / "log.txt" for path in home.runs.glob("[0-9]*-*")}
    wanted = max(found, default=0) if number is None else number
    if wanted not in found:
        raise UsageError(f"the forge has no run {wanted or ''}".rstrip(), next_step="ratchet forge runs")
    return found[wanted]


def follow(log: Path, *, alive: Callable[[], bool]) -> Iterator[str]:
    """The log piece by piece until its run has ended or `alive` says that nobody works on it any more."""
    while not log.exists():
        if not alive():
            return
        time.sleep(GLANCE_SECONDS)
    with log.open(encoding="utf-8", errors="replace") as file:
        while True:
            ended = (log.parent / results.RESULT).exists() or not alive()
            while piece := file.read():
                yield piece
            if ended:
                return
            time.sleep(GLANCE_SECONDS)


def works(home: Home) -> bool:
    """Whether a worker is at it."""
    with home.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _why(home: Home, run: Run, now: datetime) -> str:
    if run.state == runs.RUNNING:
        seconds = (now - datetime.fromisoformat(run.started)).total_seconds()
        return f"since {run.started} ({seconds:.0f} s): {runs.step(home, run) or 'about to begin'}"
    if run.state == runs.WAITING:
        return f"for an approval of {', '.join(run.environments)}: ratchet forge approve {run.number}"
    group = f", concurrency group {run.group}" if run.group else ""
    return f"one run at a time{group}"
