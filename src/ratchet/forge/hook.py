"""The post-receive hook: queues what was pushed, starts a worker, and shows how it goes.

git feeds one line `old new ref` for each ref and sends what this prints back to whoever pushes, as `remote: ...`. When
the pusher goes away the worker goes on. Pull requests learn here that their branches moved.

Run as `python -P -m ratchet.forge.hook HOME`.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ratchet.forge import filters, starting, tickets
from ratchet.forge.home import INSIDE, Home
from ratchet.forge.pulls import pulls
from ratchet.forge.tickets import Ticket

STARTING = (filters.BRANCHES, filters.TAGS)
"""What a push of starts workflows: other refs are nobody's business."""


@dataclass(frozen=True)
class Update:
    """One ref that a push made, moved or removed."""

    before: str
    sha: str
    ref: str


def updates(lines: Iterable[str]) -> list[Update]:
    """What git tells its hook: a line `before sha ref` for each ref."""
    return [Update(*line.split()) for line in lines]


def received(moved: Iterable[Update], *, actor: str) -> list[Ticket]:
    """The tickets of a push: one for each branch or tag that was made or moved; removed ones start nothing."""
    return [
        Ticket(
            name=tickets.new_name(place), event=tickets.PUSH, ref=one.ref, before=one.before, sha=one.sha, actor=actor
        )
        for place, one in enumerate(moved)
        if one.ref.startswith(STARTING) and one.sha != tickets.NOTHING
    ]


def is_own_job(home: Home, environment: Mapping[str, str]) -> bool:
    """Whether a job of this very forge pushes; then nothing starts, or a run could start the next one for ever."""
    return environment.get(INSIDE) == str(home.root)


def show(home: Home, queued: Iterable[Ticket]) -> None:
    """Put `queued` into the queue, start a worker, and print their progress until they are done."""
    follow(home, [(ticket, tickets.enlist(home, ticket)) for ticket in queued])


def follow(home: Home, enlisted: Iterable[tuple[Ticket, TextIO]]) -> None:
    """Start a worker and print the progress of tickets in the queue until they are done."""
    logs = list(enlisted)
    if not logs:
        return
    process = starting.start(home)
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
    actor = os.environ.get("RATCHET_ACTOR") or getpass.getuser()
    own, moved = is_own_job(home, os.environ), updates(sys.stdin)
    # In the queue before anything else is done: from here on nothing is lost.
    enlisted = [(ticket, tickets.enlist(home, ticket)) for ticket in ([] if own else received(moved, actor=actor))]
    try:
        for one in moved:
            for ticket in pulls.on_push(home, one.ref, one.before, one.sha, actor, quiet=own):
                enlisted.append((ticket, tickets.enlist(home, ticket)))
    finally:
        follow(home, enlisted)


if __name__ == "__main__":
    main()
