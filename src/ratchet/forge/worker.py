"""The worker: takes the oldest ticket, runs what it starts, and goes on until the queue is empty.

One worker at a time holds the home's lock; others wait for it and then find less to do. A worker that is killed leaves
its ticket, so the next one sweeps what was under way and does the ticket again, except for the workflows whose runs
had ended. A ticket that has cost several workers their lives is given up, so that those behind it get their turn.

Run as `python -P -m ratchet.forge.worker HOME`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ratchet.errors import RatchetError
from ratchet.forge import act, events, results, source, strays, tickets, workflows
from ratchet.forge.home import Home, package_source
from ratchet.forge.progress import Progress
from ratchet.forge.results import RunResult
from ratchet.forge.tickets import Ticket
from ratchet.forge.workflows import Workflow

LOCKFILE = "requirements/dev.txt"
"""What `make setup` builds an environment from."""

Say = Callable[[str], None]


class Detached(subprocess.Popen[bytes]):
    """A process that outlives whoever started it: to let go of it is no mistake that Python need warn of."""

    def __del__(self) -> None:
        self.poll()


def start(home: Home) -> Detached:
    """Start a worker that outlives whoever starts it."""
    # What git says to its hooks is about their repository; the worker's git must not hear it.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with (home.root / "worker.log").open("ab") as log:
        return Detached(
            [sys.executable, "-P", "-m", "ratchet.forge.worker", str(home.root)],
            cwd=home.root,
            env={**clean, "PYTHONPATH": str(package_source())},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def drain(home: Home) -> None:
    """Do every ticket in the queue, one after another."""
    with _locked(home):
        _sweep(home)
        while ticket := tickets.oldest(home):
            _do(home, ticket)
            tickets.remove(home, ticket)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Wait for the lock and hold it. The kernel lets go of it when the process ends, however it ends."""
    with home.lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep(home: Home) -> None:
    """Remove what a killed worker left: its processes, its workspace, and the folder of the run that has no result."""
    strays.end(home.marker)
    shutil.rmtree(home.work, ignore_errors=True)
    for folder in home.runs.iterdir():
        if folder.is_dir() and not (folder / results.RESULT).exists():
            shutil.rmtree(folder)


def _do(home: Home, ticket: Ticket) -> None:
    with tickets.open_log(home, ticket.name, "a") as log:

        def say(line: str) -> None:
            log.write(f"{line}\n")

        if ticket.attempts >= tickets.ATTEMPTS:
            say(f"given up: the worker died {ticket.attempts} times on {_called(ticket)}; {home.root}/worker.log")
            return
        begun = tickets.begin(home, ticket)
        try:
            _run_all(home, begun, say)
        except (RatchetError, OSError) as error:
            say(f"error: {error}")
        finally:
            shutil.rmtree(home.work, ignore_errors=True)


def _run_all(home: Home, ticket: Ticket, say: Say) -> None:
    """Run each workflow that the ticket starts and that has not run for it before."""
    words = source.message(home, ticket.sha)
    if ticket.event == tickets.PUSH and source.asks_to_skip(words):
        say(f"{_called(ticket)}: its message says to skip the workflows")
        return
    source.materialise(home, ticket.sha, home.work / "source")
    done = {run.workflow for run in results.runs(home) if run.ticket == ticket.name}
    chosen = [path for path in _chosen(home, ticket, say) if Path(path).stem not in done]
    if not chosen and not done:
        say(f"{_called(ticket)}: no workflow asks for this")
    for path in chosen:
        _run(home, ticket, path, say)


def _chosen(home: Home, ticket: Ticket, say: Say) -> list[str]:
    """The workflow files that the ticket starts; of those that cannot be read it says so and leaves them out."""
    if ticket.workflow:
        return [ticket.workflow]
    changed = source.changed_files(home, ticket.before, ticket.sha)
    chosen = []
    for path in workflows.files(home.work / "source"):
        try:
            push = _parsed(home, path).push
            if push is not None and push.wants(ticket.branch, changed):
                chosen.append(path)
        except RatchetError as error:
            say(f"error: {error}")
    return chosen


def _parsed(home: Home, path: str) -> Workflow:
    return workflows.parse(path, (home.work / "source" / path).read_text(encoding="utf-8"))


def _run(home: Home, ticket: Ticket, path: str, say: Say) -> None:
    """Run one workflow and keep its result."""
    workflow = _parsed(home, path)
    number = results.next_number(home)
    folder = results.folder(home, number, workflow.name)
    (folder / "artifacts").mkdir(parents=True)
    message = source.message(home, ticket.sha)
    order = act.Order(
        home=home,
        number=number,
        ticket=ticket,
        workflow=workflow,
        payload=events.payload(ticket, repository=act.repository(home), message=message),
        folder=folder,
        venv=_venv(home, ticket.sha),
    )
    with (folder / "log.txt").open("w", encoding="utf-8", buffering=1) as text:

        def tell(line: str) -> None:
            text.write(f"{line}\n")
            say(line)

        tell(f"{workflow.name} #{number}: {_called(ticket)}")
        result = _listen(order, tell)
        _conclude(result, tell)
    results.write(result)


def _listen(order: act.Order, tell: Say) -> RunResult:
    """Run act, tell what it says, and gather the result."""
    progress, error, code, began = Progress(), "", 1, time.monotonic()
    with (order.folder / "log.jsonl").open("w", encoding="utf-8", buffering=1) as raw:

        def hear(line: str) -> None:
            raw.write(line)
            for shown in progress.read(line):
                tell(shown)

        try:
            code = act.run(order, os.environ, hear)
        except RatchetError as failure:
            error = str(failure)
    if code != 0 and not error and results.FAILURE not in progress.jobs.values():
        error = f"act ended with exit code {code} before the jobs did"
    if error:
        tell(f"error: {error}")
    (order.folder / "summary.md").write_text("\n".join(progress.summaries), encoding="utf-8")
    return RunResult(
        number=order.number,
        workflow=order.workflow.name,
        event=order.ticket.event,
        ref=order.ticket.ref,
        sha=order.ticket.sha,
        ticket=order.ticket.name,
        ok=code == 0,
        jobs=progress.jobs | _skipped(order.workflow, progress.jobs),
        outputs=progress.outputs,
        error=error,
        seconds=round(time.monotonic() - began, 3),
        folder=order.folder,
    )


def _skipped(workflow: Workflow, reported: dict[str, str]) -> dict[str, str]:
    """The jobs that act said nothing about: it skips without a word."""
    silent = (
        name
        for name in workflow.job_names
        # A job that calls a workflow reports as `name / inner job`, a matrix as `name-1`.
        if not any(one == name or one.startswith((f"{name} / ", f"{name}-")) for one in reported)
    )
    return dict.fromkeys(silent, results.SKIPPED)


def _conclude(result: RunResult, tell: Say) -> None:
    jobs = ", ".join(f"{name}: {state}" for name, state in result.jobs.items()) or "no job ran"
    tell(f"{result.workflow} #{result.number}: {'ok' if result.ok else 'FAILED'} in {result.seconds:.1f} s ({jobs})")
    tell(f"  log: {result.log}")
    for artifact in sorted(result.artifacts.iterdir()):
        tell(f"  {artifact.name}: {artifact}/")


def _venv(home: Home, sha: str) -> Path:
    """The environment this worker runs in if it was built from the commit's own lock file, else the forge's."""
    lock = source.blob(home, sha, LOCKFILE)
    mine = Path(sys.prefix)
    return mine if lock and (mine / f".locked-{lock}").exists() else home.venv


def _called(ticket: Ticket) -> str:
    what = "push" if ticket.event == tickets.PUSH else "dispatch"
    return f"{what} of {ticket.sha[:8]} to {ticket.branch}"


if __name__ == "__main__":
    drain(Home(Path(sys.argv[1])))
