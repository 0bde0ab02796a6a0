"""The queue: one small file for each event that is not done: a push, a pull request, a dispatch.

A ticket's name sorts by arrival. It is written whole, and it stays until the runs that it started have ended (or wait
for an approval), and those of the tickets that they brought about; so a worker that is killed loses nothing. Beside it
stands `<name>.log`, the progress as text for whoever follows. A ticket whose `cause` is still in the queue has none of
its own to follow: its progress goes to where its cause's goes, so that a push shows all that came of it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TextIO

from ratchet.forge.home import Home
from ratchet.io.files import HALF_WRITTEN, write_json

NOTHING = "0" * 40
"""What git calls the commit of a branch that does not exist."""

PUSH = "push"
PULL_REQUEST = "pull_request"
DISPATCH = "workflow_dispatch"
REPOSITORY_DISPATCH = "repository_dispatch"
SCHEDULE = "schedule"
WORKFLOW_RUN = "workflow_run"

ATTEMPTS = 3
"""How often a ticket is planned before the forge gives it up: its worker died each time."""

GLANCE_SECONDS = 0.05
"""How often a follower looks for new lines."""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One event that may start workflows.

    `before` and `sha` are commits; `ref` is a full name, refs/heads/main. For a pull request `ref` is
    refs/pull/N/merge, `sha` that merge commit, `before` the head before the event, `head` its newest commit, `base`
    the branch it goes to and `number` its N. `action` is the activity type (opened, synchronize), or the type of a
    repository_dispatch, whose client_payload `body` is; of a schedule `body` names the cron, of a workflow_run it is
    the run that ended. `cause` names the ticket whose run brought this one about. `planned` once its runs are in the
    queue.
    """

    name: str
    event: str
    ref: str
    before: str
    sha: str
    actor: str
    workflow: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    number: int = 0
    head: str = ""
    base: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    attempts: int = 0
    planned: bool = False

    @property
    def branch(self) -> str:
        """The branch without refs/heads/."""
        return self.ref.removeprefix("refs/heads/")


def new_name(place: int = 0) -> str:
    """A name that sorts after those of earlier tickets; `place` orders the tickets of one push."""
    return f"{time.time_ns():020d}-{os.getpid():07d}-{place:04d}"


def add(home: Home, ticket: Ticket) -> None:
    """Queue a ticket that nobody follows."""
    enlist(home, ticket).close()


def enlist(home: Home, ticket: Ticket) -> TextIO:
    """Queue a ticket, and return its progress to follow: opened first, as it may be done, and gone, at once."""
    _log(home, ticket.name).touch()
    log = open_log(home, ticket.name, "r")
    save(home, ticket)
    return log


def save(home: Home, ticket: Ticket) -> None:
    """Write a ticket, whole or not at all."""
    write_json(_file(home, ticket.name), asdict(ticket))


def waiting(home: Home) -> list[Ticket]:
    """The tickets in the queue, oldest first."""
    found = (_read(path) for path in _waiting(home))
    return [ticket for ticket in found if ticket]


def root(queue: Iterable[Ticket], ticket: Ticket) -> Ticket:
    """The ticket at the beginning of what brought `ticket` about, as far back as `queue` knows; maybe itself."""
    known = {one.name: one for one in queue}
    while ticket.cause in known:
        ticket = known.pop(ticket.cause)
    return ticket


def ahead(home: Home, ticket: Ticket) -> int:
    """How many tickets come before this one."""
    return sum(path.stem < ticket.name for path in _waiting(home))


def begin(home: Home, ticket: Ticket) -> Ticket:
    """Count one more attempt."""
    begun = replace(ticket, attempts=ticket.attempts + 1)
    save(home, begun)
    return begun


def remove(home: Home, ticket: Ticket) -> None:
    """Take a ticket that is done from the queue."""
    _file(home, ticket.name).unlink(missing_ok=True)
    _log(home, ticket.name).unlink(missing_ok=True)


def pending(home: Home, name: str) -> bool:
    """Whether the ticket is still in the queue."""
    return _file(home, name).exists()


def open_log(home: Home, name: str, mode: Literal["a", "r"]) -> TextIO:
    """The ticket's progress, to append to ("a") or to follow ("r")."""
    return _log(home, name).open(mode, encoding="utf-8", errors="replace", buffering=1)


def follow(home: Home, ticket: Ticket, log: TextIO, alive: Callable[[], bool]) -> Iterator[str]:
    """The ticket's progress, piece by piece, until it is done or `alive` says that nobody works on it any more.

    `log` is what `enlist` returned: a follower that comes late would not find it.
    """
    while True:
        # Asked before reading, so that what is written in between is read once more.
        ended = not pending(home, ticket.name) or not alive()
        while piece := log.read():
            yield piece
        if ended:
            return
        time.sleep(GLANCE_SECONDS)


def _read(path: Path) -> Ticket | None:
    """The ticket in a file; None if it is done meanwhile."""
    try:
        return Ticket(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _waiting(home: Home) -> list[Path]:
    return sorted(path for path in home.queue.glob("*.json") if not path.name.startswith(HALF_WRITTEN))


def _file(home: Home, name: str) -> Path:
    return home.queue / f"{name}.json"


def _log(home: Home, name: str) -> Path:
    return home.queue / f"{name}.log"
