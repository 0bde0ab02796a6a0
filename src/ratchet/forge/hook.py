"""The post-receive hook: queues what was pushed, starts a worker, and shows how it goes.

git feeds one line `old new ref` for each ref and sends what this prints back to whoever pushes, as `remote: ...`. When
the pusher goes away the worker goes on.

Run as `python -P -m ratchet.forge.hook HOME`.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ratchet.forge import tickets, worker
from ratchet.forge.home import INSIDE, Home
from ratchet.forge.tickets import Ticket

BRANCHES = "refs/heads/"


def received(lines: Iterable[str], *, actor: str) -> list[Ticket]:
    """The tickets of a push: one for each branch that was made or moved; tags and removed branches start nothing."""
    updates = (line.split() for line in lines)
    return [
        Ticket(name=tickets.new_name(place), event=tickets.PUSH, ref=ref, before=before, sha=sha, actor=actor)
        for place, (before, sha, ref) in enumerate(updates)
        if ref.startswith(BRANCHES) and sha != tickets.NOTHING
    ]


def is_own_job(home: Home, environment: Mapping[str, str]) -> bool:
    """Whether a job of this very forge pushes; then nothing starts, or a run could start the next one for ever."""
    return environment.get(INSIDE) == str(home.root)


def show(home: Home, queued: Iterable[Ticket]) -> None:
    """Start a worker and print the progress of `queued` until they are done."""
    logs = []
    for ticket in queued:
        tickets.add(home, ticket)
        logs.append((ticket, tickets.open_log(home, ticket.name, "r")))
    if not logs:
        return
    process = worker.start(home)
    for ticket, log in logs:
        if before := tickets.ahead(home, ticket):
            print(f"queued: {before} before it", flush=True)
        with log:
            for piece in tickets.follow(home, ticket, log, alive=lambda: process.poll() is None):
                print(piece, end="", flush=True)
        if tickets.pending(home, ticket.name):
            print(f"the worker ended early; {ticket.sha[:8]} is kept, and runs before the next push", flush=True)


def main() -> None:
    """What git runs."""
    home = Home(Path(sys.argv[1]))
    if not is_own_job(home, os.environ):
        show(home, received(sys.stdin, actor=os.environ.get("RATCHET_ACTOR") or getpass.getuser()))


if __name__ == "__main__":
    main()
