"""Event payloads: what a job reads as `github.event`, in GitHub's own shape as far as the forge can know it."""

from __future__ import annotations

from typing import Any

from ratchet.forge.tickets import DISPATCH, NOTHING, Ticket

OWNER = "local"
"""Whom repositories of a forge belong to."""


def payload(ticket: Ticket, *, repository: str, message: str) -> dict[str, Any]:
    """The event of a ticket. `repository` is its name without the owner; `message` the head commit's."""
    common = {
        "ref": ticket.ref,
        "repository": {
            "name": repository,
            "full_name": f"{OWNER}/{repository}",
            "default_branch": "main",
            "owner": {"login": OWNER, "name": OWNER},
        },
        "sender": {"login": ticket.actor, "type": "User"},
    }
    if ticket.event == DISPATCH:
        return {**common, "inputs": dict(ticket.inputs), "workflow": ticket.workflow}
    return {
        **common,
        "before": ticket.before,
        "after": ticket.sha,
        "created": ticket.before == NOTHING,
        "deleted": False,
        "head_commit": {"id": ticket.sha, "message": message},
        "pusher": {"name": ticket.actor},
    }
