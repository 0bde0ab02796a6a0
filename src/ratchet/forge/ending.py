"""The end of a run: its result is written, workflows that wait for it are queued, and the run is forgotten.

In this order, and each step twice is as good as once: a worker that is killed in between loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from ratchet.errors import RatchetError
from ratchet.forge import results, source, tickets, triggers, workflows
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.forge.pulls import pull_record
from ratchet.forge.results import RunResult
from ratchet.forge.run import Run
from ratchet.forge.tickets import Ticket

COMPLETED = "completed"

LINKS = 3
"""How many workflows may wait for each other in a row; GitHub's limit."""


def without_running(home: Home, run: Run, conclusion: str, error: str, say: Callable[[str], None]) -> None:
    """End a run that was never begun, or not to its end."""
    folder = runs.folder(home, run)
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    words = f"{run.called}: {'cancelled' if conclusion == results.CANCELLED else 'FAILED'}: {error}"
    for name, text in (("log.txt", f"{words}\n"), ("log.jsonl", ""), ("summary.md", "")):
        (folder / name).write_text(text, encoding="utf-8")
    say(words)
    finish(home, run, describe(home, run, conclusion=conclusion, error=error))


def describe(home: Home, run: Run, *, conclusion: str, error: str) -> RunResult:
    """The result of a run as far as it is known without its jobs."""
    return RunResult(
        number=run.number,
        workflow=run.name,
        event=run.ticket.event,
        ref=run.ticket.ref,
        sha=run.ticket.sha,
        ticket=run.ticket.name,
        ok=conclusion == results.SUCCESS,
        jobs={},
        outputs={},
        error=error,
        seconds=0.0,
        folder=runs.folder(home, run),
        conclusion=conclusion,
        title=run.title,
        started=run.started or runs.now(),
        pull=run.ticket.number,
        approved_by=run.approved_by,
        environments=run.environments,
    )


def finish(home: Home, run: Run, result: RunResult) -> None:
    """Write the result, queue what waits for it, forget the run."""
    results.write(result)
    resume(home, run)


def resume(home: Home, run: Run) -> None:
    """What comes after the result is written, for the first time or again."""
    result = results.read(runs.folder(home, run) / results.RESULT)
    for ticket in _follow_ups(home, run, result):
        tickets.add(home, ticket)
    runs.close(home, run)


def _follow_ups(home: Home, run: Run, result: RunResult) -> Iterator[Ticket]:
    """The ticket of `on: workflow_run`, if the default branch has a workflow that waits for this one."""
    sha = source.resolve(home, source.MAIN)
    depth = int(run.ticket.body.get("depth", 0)) + 1 if run.ticket.event == tickets.WORKFLOW_RUN else 1
    if sha is None or depth > LINKS or not source.mentions(home, sha, tickets.WORKFLOW_RUN):
        return
    began = datetime.fromisoformat(result.started)
    ticket = Ticket(
        # The same name each time this is done for the run: a name that is known is no second ticket.
        name=f"{int((began.timestamp() + result.seconds) * 1e9):020d}-{run.number:07d}-9999",
        event=tickets.WORKFLOW_RUN,
        ref=source.MAIN,
        before=sha,
        sha=sha,
        actor=run.ticket.actor,
        action=COMPLETED,
        body=facts(home, run, result, depth),
        cause=run.ticket.name,
    )
    if _is_wanted(home, ticket):
        yield ticket


def facts(home: Home, run: Run, result: RunResult, depth: int) -> dict[str, object]:
    """What GitHub's `workflow_run` says of this run alone; `depth` is how many of them are in a row."""
    ticket = run.ticket
    branch = _head_branch(home, run)
    pull = {"number": ticket.number, "head": {"ref": branch, "sha": ticket.head}, "base": {"ref": ticket.base}}
    return {
        "id": run.number,
        "name": run.title,
        "path": run.path,
        "event": ticket.event,
        "head_branch": branch,
        "head_sha": ticket.head or ticket.sha,
        "conclusion": result.conclusion,
        "run_number": run.number,
        "run_attempt": max(run.attempts, 1),
        "run_started_at": result.started,
        "created_at": result.started,
        "updated_at": runs.now(),
        "pull_requests": [pull] if ticket.number else [],
        "actor": ticket.actor,
        "depth": depth,
    }


def _head_branch(home: Home, run: Run) -> str:
    if run.ticket.event == tickets.PULL_REQUEST:
        # Not from event.json: a run that could not even be planned has none.
        return pull_record.read(home, run.ticket.number).head
    return run.ticket.branch.removeprefix("refs/tags/")


def _is_wanted(home: Home, ticket: Ticket) -> bool:
    definitions = source.definitions(home, ticket.sha)
    for path in filter(workflows.is_workflow, definitions):
        try:
            if triggers.wants(workflows.parse(path, definitions[path]).triggers, ticket, tuple):
                return True
        except RatchetError:
            # A broken file has its own failed run.
            continue
    return False
