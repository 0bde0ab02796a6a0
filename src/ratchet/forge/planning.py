"""From a ticket to the runs it starts: which workflows ask for it, in which concurrency group, waiting for whom.

Doing it again changes nothing, so a worker that is killed half way through is no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ratchet.errors import RatchetError
from ratchet.forge import (
    approvals,
    cancellation,
    concurrency,
    ending,
    events,
    filters,
    jobs,
    results,
    source,
    tickets,
    triggers,
    workflows,
)
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.forge.run import Run
from ratchet.forge.tickets import Ticket
from ratchet.forge.workflows import Workflow
from ratchet.settings import read_env_file

Say = Callable[[str], None]


SKIPPABLE = (tickets.PUSH, tickets.PULL_REQUEST)
"""Events that a commit message can keep from starting anything."""

LOUD = (tickets.PUSH, tickets.PULL_REQUEST, tickets.DISPATCH)
"""Events for which a workflow file that cannot be read is a failed run; for others it is a word in the log."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A workflow that a ticket starts, or why its file cannot be read; `definitions` are the commit's files by path."""

    ticket: Ticket
    path: str
    workflow: Workflow | RatchetError
    definitions: Mapping[str, str]


def plan(home: Home, ticket: Ticket, say: Say) -> None:
    """Put the runs that a ticket starts into the queue; a workflow that cannot be one leaves a failed result.

    Raises RatchetError if the ticket's commit cannot be read.
    """
    if ticket.event in SKIPPABLE and source.asks_to_skip(source.message(home, ticket.head or ticket.sha)):
        say(f"{called(ticket)}: its message says to skip the workflows")
        return
    definitions = source.definitions(home, ticket.sha)
    changed = cache(lambda: _changed(home, ticket))
    known, asked = _known(home, ticket), False
    for path, workflow in _in_turn(ticket, definitions):
        if isinstance(workflow, Workflow) and not triggers.wants(workflow.triggers, ticket, changed):
            continue
        if isinstance(workflow, Workflow) or ticket.event in LOUD:
            asked = True
            if Path(path).stem not in known:
                _plan_one(home, Wanted(ticket=ticket, path=path, workflow=workflow, definitions=definitions), say)
    if not asked:
        say(f"{called(ticket)}: no workflow asks for this")


def called(ticket: Ticket) -> str:
    """The ticket in a message."""
    if ticket.event == tickets.PULL_REQUEST:
        done = "updated" if ticket.action == "synchronize" else ticket.action
        return f"pull request {ticket.number} {done}, now {ticket.head[:8]}"
    what = {tickets.PUSH: "push", tickets.DISPATCH: "dispatch", tickets.REPOSITORY_DISPATCH: f"event {ticket.action}"}
    return f"{what.get(ticket.event, ticket.event)} of {ticket.sha[:8]} to {ticket.branch}"


def _in_turn(ticket: Ticket, definitions: Mapping[str, str]) -> list[tuple[str, Workflow | RatchetError]]:
    """The workflows that a ticket may start, by path: those that call others first, as they do what is waited for."""
    paths = [ticket.workflow] if ticket.workflow else sorted(filter(workflows.is_workflow, definitions))
    found = [(path, _read(path, definitions)) for path in paths]
    return sorted(found, key=lambda one: not (isinstance(one[1], Workflow) and one[1].calls))


def _read(path: str, definitions: Mapping[str, str]) -> Workflow | RatchetError:
    try:
        return workflows.parse(path, definitions.get(path, ""))
    except RatchetError as error:
        return error


def _known(home: Home, ticket: Ticket) -> set[str]:
    """The workflows that were planned for the ticket before, by a worker that was killed."""
    if ticket.attempts <= 1:
        return set()
    ended = (run.workflow for run in results.runs(home) if run.ticket == ticket.name)
    return {*ended, *(run.name for run in runs.unfinished(home) if run.ticket.name == ticket.name)}


def _changed(home: Home, ticket: Ticket) -> tuple[str, ...]:
    if ticket.event == tickets.PULL_REQUEST:
        return source.proposed_files(home, ticket.sha, ticket.base, ticket.head)
    return source.changed_files(home, ticket.before, ticket.sha)


def _plan_one(home: Home, wanted: Wanted, say: Say) -> None:
    """Plan one run; what stands in its way makes it a failed one at once."""
    ticket, workflow = wanted.ticket, wanted.workflow
    title = workflow.title if isinstance(workflow, Workflow) else wanted.path
    run = Run(number=runs.next_number(home), path=wanted.path, title=title, ticket=ticket)
    try:
        if not isinstance(workflow, Workflow):
            raise workflow
        payload = events.payload(home, ticket, workflow=wanted.path)
        group, cancel = concurrency.settle(workflow, _contexts(home, run, workflow, payload))
        named = approvals.needed(home, jobs.environments(wanted.definitions.get, workflow))
    except RatchetError as error:
        ending.without_running(home, run, results.FAILURE, str(error), say)
        return
    _push_out(home, run, concurrency.superseded(group, runs.unfinished(home), cancel=cancel))
    state = runs.WAITING if named else runs.QUEUED
    runs.plan(home, replace(run, group=group, environments=named, state=state), payload)
    if named:
        say(f"{run.called} waits for an approval of {', '.join(named)}: ratchet forge approve {run.number}")


def _push_out(home: Home, run: Run, others: Iterable[Run]) -> None:
    for other in others:
        cancellation.ask(home, other.number, f"{run.called} is newer in the concurrency group {other.group}")


def _contexts(home: Home, run: Run, workflow: Workflow, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What an expression in `concurrency` may ask for, as far as GitHub lets it."""
    ticket = run.ticket
    pull = payload.get("pull_request", {})
    github = {
        "event": payload,
        "event_name": ticket.event,
        "ref": ticket.ref,
        "ref_name": ticket.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "ref_type": "tag" if ticket.ref.startswith(filters.TAGS) else "branch",
        "sha": ticket.sha,
        "head_ref": pull.get("head", {}).get("ref", ""),
        "base_ref": pull.get("base", {}).get("ref", ""),
        "actor": ticket.actor,
        "triggering_actor": ticket.actor,
        "repository": f"{events.OWNER}/{events.name_of(home)}",
        "repository_owner": events.OWNER,
        "workflow": workflow.title,
        "run_id": str(run.number),
        "run_number": str(run.number),
        "run_attempt": "1",
    }
    return {
        "github": github,
        "inputs": workflows.inputs(workflow, ticket.inputs),
        "vars": read_env_file(home.variables),
    }
