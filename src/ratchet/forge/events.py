"""Event payloads: what a job reads as `github.event`, in GitHub's own shape as far as the forge can know it.

Compared in the tests with the payloads that GitHub documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ratchet.forge import commits, results, tickets
from ratchet.forge.api import shapes as api_shapes
from ratchet.forge.api.shapes import Json, Place
from ratchet.forge.home import Home
from ratchet.forge.pulls import pull_event
from ratchet.forge.tickets import NOTHING, Ticket

OWNER = "local"
"""Whom repositories of a forge belong to."""


SIMPLE = ("id", "tree_id", "message", "timestamp", "author", "committer")
"""What of a commit is told with a run."""


def name_of(home: Home) -> str:
    """What the forge's repository is called, without its owner."""
    return home.root.name.strip(".").replace(" ", "-") or "repository"


def payload(home: Home, ticket: Ticket, *, workflow: str) -> dict[str, Any]:
    """The event of a ticket, for the workflow at the path `workflow`."""
    if ticket.event == tickets.PULL_REQUEST:
        return pull_event.payload(home, ticket, repository=name_of(home))
    place = Place(home, pull_event.NOWHERE, f"{OWNER}/{name_of(home)}")
    return {
        **_own(place, ticket, workflow),
        "repository": api_shapes.repository(place),
        "sender": api_shapes.user(place, ticket.actor),
    }


def _own(place: Place, ticket: Ticket, workflow: str) -> Json:
    """What only this kind of event says."""
    if ticket.event == tickets.PUSH:
        return _push(place, ticket)
    if ticket.event == tickets.WORKFLOW_RUN:
        return _workflow_run(place, ticket)
    if ticket.event == tickets.DISPATCH:
        return {"ref": ticket.ref, "inputs": dict(ticket.inputs), "workflow": workflow}
    if ticket.event == tickets.REPOSITORY_DISPATCH:
        return {"action": ticket.action, "branch": ticket.branch, "client_payload": dict(ticket.body)}
    return {**ticket.body, "workflow": workflow}


def _push(place: Place, ticket: Ticket) -> Json:
    made = commits.between(place.home, ticket.before, ticket.sha, url=f"{place.root}/commits")
    return {
        "ref": ticket.ref,
        "before": ticket.before,
        "after": ticket.sha,
        "base_ref": None,
        "created": ticket.before == NOTHING,
        "deleted": False,
        "forced": commits.is_forced(place.home, ticket.before, ticket.sha),
        "compare": f"{place.root}/compare/{ticket.before[:12]}...{ticket.sha[:12]}",
        "commits": made,
        "head_commit": commits.one(place.home, ticket.sha, url=f"{place.root}/commits"),
        "pusher": {"name": ticket.actor, "email": None},
    }


def _workflow_run(place: Place, ticket: Ticket) -> Json:
    """The event that a run has ended; `ticket.body` holds what is particular to that run."""
    ended = {name: value for name, value in ticket.body.items() if name != "depth"}
    repository = api_shapes.repository(place)
    actor = api_shapes.user(place, str(ended.pop("actor")))
    runs = f"{place.root}/actions/runs/{ended['id']}"
    head = commits.one(place.home, ended["head_sha"], url=f"{place.root}/commits")
    links = ("artifacts", "jobs", "logs", "cancel", "rerun")
    return {
        "action": ticket.action,
        "workflow": {"name": ended["name"], "path": ended["path"]},
        "workflow_run": {
            **ended,
            "actor": actor,
            "triggering_actor": actor,
            "status": "completed",
            "head_commit": {name: head[name] for name in SIMPLE} if head else None,
            "head_repository": repository,
            "repository": repository,
            "url": runs,
            "html_url": results.folder(place.home, int(ended["id"]), Path(str(ended["path"])).stem).as_uri(),
            **{f"{link}_url": f"{runs}/{link}" for link in links},
        },
    }
