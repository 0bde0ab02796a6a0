"""Deployments: what serves where, as jobs tell it through the API, kept as a file of the forge.

deployments.json   every deployment, oldest first, each with its statuses, oldest first
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ratchet.forge import run as runs
from ratchet.forge.home import Home
from ratchet.io.files import write_json

OVER = ("inactive", "failure", "error")
"""States after which nothing serves, and nothing is about to."""


@dataclass(frozen=True, kw_only=True)
class DeploymentStatus:
    """How a deployment stands: error, failure, inactive, in_progress, queued, pending or success."""

    id: int
    state: str
    description: str
    log_url: str
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A commit that is to serve in an environment; `payload` is whatever the job wanted to keep with it."""

    id: int
    sha: str
    ref: str
    task: str
    environment: str
    description: str
    payload: Mapping[str, Any]
    created_at: str
    statuses: tuple[DeploymentStatus, ...] = field(default=())

    @property
    def state(self) -> str:
        """The newest status; GitHub calls one without any pending."""
        return self.statuses[-1].state if self.statuses else "pending"


def deployments(home: Home) -> list[Deployment]:
    """All that jobs made, oldest first."""
    try:
        found = json.loads(_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Deployment(**{**one, "statuses": _statuses(one["statuses"])}) for one in found]


def lines(home: Home) -> Iterator[str]:
    """One line for each deployment that is not over, as jobs told it last; the ledger knows better."""
    for one in deployments(home):
        if one.state not in OVER:
            since = one.statuses[-1].created_at if one.statuses else one.created_at
            yield f"   -  {one.state:<11}  {one.environment}  {one.description or one.task}  since {since}"


def add(home: Home, made: Deployment) -> Deployment:
    """A new one; number and time are given here."""
    with _locked(home):
        known = deployments(home)
        numbered = replace(made, id=len(known) + 1, created_at=runs.now())
        _write(home, [*known, numbered])
    return numbered


def add_status(home: Home, number: int, given: DeploymentStatus) -> DeploymentStatus | None:
    """Say how a deployment stands; None if there is no such one."""
    with _locked(home):
        known = deployments(home)
        place = next((place for place, one in enumerate(known) if one.id == number), None)
        if place is None:
            return None
        made = replace(given, id=len(known[place].statuses) + 1, created_at=runs.now())
        known[place] = replace(known[place], statuses=(*known[place].statuses, made))
        _write(home, known)
    return made


def _statuses(found: list[dict[str, Any]]) -> tuple[DeploymentStatus, ...]:
    return tuple(DeploymentStatus(**one) for one in found)


def _file(home: Home) -> Path:
    return home.root / "deployments.json"


def _write(home: Home, known: list[Deployment]) -> None:
    write_json(_file(home), [asdict(one) for one in known])


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    with (home.root / "deployments.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
