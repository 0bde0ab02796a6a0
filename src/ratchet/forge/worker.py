"""The worker: plans every ticket in the queue, runs one run after another, and goes on until nothing is left to do.

One worker at a time holds the home's lock; others wait for it and then find less to do. While a run goes on the worker
looks after the queue as well: a push that starts nothing is done at once, and one that is newer in a concurrency group
cancels what it pushes out. A worker that is killed leaves tickets and runs as files, so the next one sweeps what was
under way and does it again; a run that has cost several workers their lives is given up, so that others get their turn.

Run as `python -P -m ratchet.forge.worker HOME`.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ratchet.errors import RatchetError
from ratchet.forge import ending, intake, performing, planning, results, source, strays, workflows
from ratchet.forge import run as runs
from ratchet.forge.act import Order
from ratchet.forge.home import Home
from ratchet.forge.run import Run

LOCKFILE = "requirements/dev.txt"
"""What `make setup` builds an environment from."""


def drain(home: Home) -> None:
    """Do everything in the queue."""
    with _locked(home):
        _sweep(home)
        while intake.attend(home):
            if run := _next(home):
                _do(home, run)
                shutil.rmtree(home.work, ignore_errors=True)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Wait for the lock and hold it. The kernel lets go of it when the process ends, however it ends."""
    with home.lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep(home: Home) -> None:
    """Remove what a killed worker left: its processes, its workspace, folders of no run; its run goes back in line."""
    strays.end(home.marker)
    shutil.rmtree(home.work, ignore_errors=True)
    for run in runs.unfinished(home):
        if (runs.folder(home, run) / results.RESULT).exists():
            ending.resume(home, run)
        elif run.state == runs.RUNNING:
            # Its log begins anew, and nobody is to take the old one for that.
            (runs.folder(home, run) / "log.txt").unlink(missing_ok=True)
            runs.save(home, replace(run, state=runs.QUEUED))
    known = {runs.folder(home, run) for run in runs.unfinished(home)}
    for folder in home.runs.iterdir():
        if folder.is_dir() and folder not in known and not (folder / results.RESULT).exists():
            shutil.rmtree(folder)


def _next(home: Home) -> Run | None:
    """The run whose turn it is."""
    return next((run for run in runs.unfinished(home) if run.state == runs.QUEUED), None)


def _do(home: Home, queued: Run) -> None:
    say = intake.voice(home, queued.ticket)
    if queued.attempts >= runs.ATTEMPTS:
        why = f"given up: the worker died {queued.attempts} times on it; {home.root}/worker.log"
        ending.without_running(home, queued, results.FAILURE, why, say)
        return
    run = runs.begin(home, queued)
    try:
        order = _prepare(home, run)
        result = performing.perform(order, f"{run.called}: {planning.called(run.ticket)}", say)
    except (RatchetError, OSError) as error:
        ending.without_running(home, run, results.FAILURE, str(error), say)
        return
    ending.finish(home, run, result)


def _prepare(home: Home, run: Run) -> Order:
    """The commit's files, and an empty place for what comes out. Raises RatchetError if they cannot be had."""
    folder = runs.folder(home, run)
    shutil.rmtree(folder / "artifacts", ignore_errors=True)
    (folder / "artifacts").mkdir(parents=True)
    shutil.rmtree(home.work, ignore_errors=True)
    source.materialise(home, run.ticket.sha, home.work / "source")
    text = workflows.below(home.work / "source")(run.path) or ""
    return Order(home=home, run=run, workflow=workflows.parse(run.path, text), venv=_venv(home, run.ticket.sha))


def _venv(home: Home, sha: str) -> Path:
    """The environment this worker runs in if it was built from the commit's own lock file, else the forge's."""
    lock = source.blob(home, sha, LOCKFILE)
    mine = Path(sys.prefix)
    return mine if lock and (mine / f".locked-{lock}").exists() else home.venv


if __name__ == "__main__":
    drain(Home(Path(sys.argv[1])))
