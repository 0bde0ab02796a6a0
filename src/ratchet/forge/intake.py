"""What the worker looks after between runs and during one: new tickets, cancellations, approvals, what is done.

Only the worker calls this, under its lock: everybody else leaves a file and waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ratchet.errors import RatchetError
from ratchet.forge import approvals, cancellation, ending, planning, results, tickets
from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.forge.run import Run
from ratchet.forge.tickets import Ticket

Say = Callable[[str], None]


def attend(home: Home) -> bool:
    """Do what there is to do without running anything; whether there is anything to wait for or to run."""
    for ticket in tickets.waiting(home):
        if not ticket.planned:
            _plan(home, ticket)
    for run in runs.unfinished(home):
        if run.state != runs.RUNNING:
            _heed(home, run)
    return _settle(home)


def voice(home: Home, ticket: Ticket) -> Say:
    """What tells whoever follows the ticket, or what brought it about; nobody does once that is done."""
    name = tickets.root(tickets.waiting(home), ticket).name

    def say(line: str) -> None:
        if tickets.pending(home, name):
            with tickets.open_log(home, name, "a") as log:
                log.write(f"{line}\n")

    return say


def _plan(home: Home, ticket: Ticket) -> None:
    say = voice(home, ticket)
    if ticket.attempts >= tickets.ATTEMPTS:
        say(f"given up: the worker died {ticket.attempts} times on {planning.called(ticket)}; {home.root}/worker.log")
    else:
        ticket = tickets.begin(home, ticket)
        try:
            planning.plan(home, ticket, say)
        except (RatchetError, OSError) as error:
            say(f"error: {planning.called(ticket)}: {error}")
    tickets.save(home, replace(ticket, planned=True))


def _heed(home: Home, run: Run) -> None:
    """Do what was asked of a run that is not under way."""
    say = voice(home, run.ticket)
    decided = approvals.decision(home, run) if run.state == runs.WAITING else None
    if why := cancellation.asked(home, run.number):
        ending.without_running(home, run, results.CANCELLED, why, say)
    elif decided and decided[1]:
        runs.save(home, replace(run, state=runs.QUEUED, approved_by=decided[0]))
    elif decided:
        ending.without_running(home, run, results.FAILURE, f"rejected by {decided[0]}", say)


def _settle(home: Home) -> bool:
    """Take tickets that are done from the queue: planned, no run to be run, and so all that they brought about."""
    queue = tickets.waiting(home)
    busy = {run.ticket.name for run in runs.unfinished(home) if run.state != runs.WAITING}
    going_on = [ticket for ticket in queue if not ticket.planned or ticket.name in busy]
    kept = {name for ticket in going_on for name in _back(queue, ticket)}
    for ticket in queue:
        if ticket.name not in kept:
            tickets.remove(home, ticket)
    return bool(going_on or busy)


def _back(queue: Iterable[Ticket], ticket: Ticket) -> set[str]:
    """A ticket and what brought it about."""
    known = {one.name: one for one in queue}
    names = set()
    while ticket.name not in names:
        names.add(ticket.name)
        ticket = known.get(ticket.cause, ticket)
    return names
