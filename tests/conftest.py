"""What holds for every test, and the events as GitHub itself sends them."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ratchet.forge.home import Home
    from ratchet.forge.tickets import Ticket

# As the stages do: another number of threads adds in another order, and the model is another one.
os.environ["OMP_NUM_THREADS"] = "1"

RECORDED = Path(__file__).parent / "forge" / "payloads.json"

REPOSITORY = ("id", "name", "full_name", "owner.login", "default_branch")
PULL = (
    "pull_request.number", "pull_request.labels", "pull_request.head.label", "pull_request.head.ref",
    "pull_request.head.sha", "pull_request.head.repo.name", "pull_request.head.repo.full_name", "pull_request.base.ref",
    "pull_request.base.sha", "pull_request.base.repo.name", "pull_request.base.repo.full_name",
)  # fmt: skip
IDENTITIES = {
    "push": ("ref", "before", "after", "created", "head_commit.id"),
    "pull_request.opened": ("number", *PULL),
    "pull_request.synchronize": ("number", "before", "after", *PULL),
    "pull_request.labeled": ("number", "label.name", *PULL),
    "workflow_dispatch": ("ref", "inputs", "workflow"),
    "repository_dispatch": ("action", "branch", "client_payload"),
    "schedule": ("schedule", "workflow"),
    "workflow_run": (
        "workflow.name", "workflow.path", "workflow_run.id", "workflow_run.name", "workflow_run.event",
        "workflow_run.conclusion", "workflow_run.head_branch", "workflow_run.head_sha", "workflow_run.run_number",
        "workflow_run.head_repository.name", "workflow_run.head_repository.full_name",
    ),
}  # fmt: skip
"""What a recorded payload takes from the forge's own: which commits, branches, numbers, names; whatever a person gave
with the event (inputs, labels, a client_payload), and how a run ended. All else stays as GitHub sent it."""

Payload = dict[str, Any]


def as_github(ours: Payload, key: str) -> Payload:
    """GitHub's recorded payload of the event `key` (push, pull_request.opened), about what our payload is about."""
    recorded: dict[str, Payload] = json.loads(RECORDED.read_text(encoding="utf-8"))
    # The one event that is not among the recorded ones: beside the repository and the sender it holds only the cron.
    recorded["schedule"] = {name: recorded["push"][name] for name in ("repository", "sender")}
    theirs = copy.deepcopy(recorded[key])
    for path in (*IDENTITIES[key], *(f"repository.{name}" for name in REPOSITORY)):
        *above, name = path.split(".")
        source, target = ours, theirs
        for step in above:
            source, target = source[step], target[step]
        target[name] = source[name]
    return theirs


@pytest.fixture
def github() -> Callable[[Payload, str], Payload]:
    """GitHub's recorded payload of an event, by its key there, about what a payload of ours is about."""
    return as_github


@pytest.fixture
def github_speaks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call it: from then on the forge's events are told in GitHub's recorded words; `change` may alter them further."""
    # Here, as every test would wait for it.
    from ratchet.forge import events

    own = events.payload

    def speak(change: Callable[[Payload], object] = id) -> None:
        def payload(home: Home, ticket: Ticket, *, workflow: str) -> Payload:
            said = own(home, ticket, workflow=workflow)
            action = f".{ticket.action}" if ticket.event == "pull_request" else ""
            told = as_github(said, f"{ticket.event}{action}")
            change(told)
            return told

        monkeypatch.setattr(events, "payload", payload)

    return speak
