"""How things stand: what runs and at which step, what waits and for what."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from ratchet.errors import UsageError
from ratchet.forge import planning, results, starting, tickets
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
    if is_left(home) and not works(home):
        yield "no worker is at it; the next push goes on, or: ratchet forge work"


def is_left(home: Home) -> bool:
    """Whether there is something to do for a worker."""
    return bool(tickets.waiting(home)) or any(run.state != runs.WAITING for run in runs.unfinished(home))


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


def work(home: Home) -> Iterator[str]:
    """Start a worker, and give the logs of the runs that it does, piece by piece, until nothing is left to do."""
    shown = {run.folder for run in results.runs(home)}
    before = {run.number: run.attempts for run in runs.unfinished(home)}
    process = starting.start(home)
    alive = True
    while alive:
        alive = process.poll() is None
        for place in sorted(home.runs.glob("[0-9]*-*")):
            if place not in shown and _is_shown(home, place, before):
                yield from follow(place / "log.txt", alive=lambda: process.poll() is None)
                shown.add(place)
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
    before = [other.number for other in runs.unfinished(home) if other.state != runs.WAITING]
    ahead = max((number for number in before if number < run.number), default=None)
    return "next" if ahead is None else f"after run {ahead}"


def _is_shown(home: Home, place: Path, before: Mapping[int, int]) -> bool:
    """Whether the log of a run is one of its own doing: it has ended, or was begun once more than `before` says."""
    if (place / results.RESULT).exists():
        return True
    run = runs.find(home, int(place.name.partition("-")[0]))
    return run is not None and run.state == runs.RUNNING and run.attempts > before.get(run.number, 0)
