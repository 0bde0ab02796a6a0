"""The event of a pull request, as jobs read it in `github.event`: GitHub's shape, and GitHub's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ratchet.forge import conversation, diff
from ratchet.forge.api import shapes as api_shapes
from ratchet.forge.api.shapes import Json, Place
from ratchet.forge.home import Home
from ratchet.forge.pulls import merging, pull_record
from ratchet.forge.tickets import Ticket

NOWHERE = "http://127.0.0.1:9"
"""The discard port of this machine: an event holds addresses, and those of the forge's API last only for a run."""

MOVED = "synchronize"
LABELLING = ("labeled", "unlabeled")


def payload(home: Home, ticket: Ticket, *, repository: str) -> dict[str, Any]:
    """The event of a pull request's ticket. `repository` is the name of the forge's, without its owner.

    Commits are the ticket's own, as the branch may have moved on; words and labels are as they are now.
    Raises UsageError if the forge does not know the pull request.
    """
    # Imported here because that module asks this one for its payloads.
    from ratchet.forge.events import OWNER

    place = Place(home, NOWHERE, f"{OWNER}/{repository}")
    return {
        "action": ticket.action,
        "number": ticket.number,
        "pull_request": _pull_request(place, ticket),
        "repository": api_shapes.repository(place),
        "sender": api_shapes.user(place, ticket.actor),
        **({"before": ticket.before, "after": ticket.head} if ticket.action == MOVED else {}),
        **({"label": _label(place, ticket)} if ticket.action in LABELLING else {}),
    }


def _pull_request(place: Place, ticket: Ticket) -> Json:
    pull = replace(pull_record.read(place.home, ticket.number), head_sha=ticket.head)
    base = merging.parents(place.home, ticket.sha)[0]
    body = api_shapes.pull(place, pull, {"head": ticket.head, "base": base, "merge": ticket.sha})
    said = len(conversation.comments(place.home, ticket.number))
    count, files = diff.commit_count(place.home, pull), diff.files(place.home, pull)
    by = api_shapes.user(place, pull.merged_by) if pull.merged_sha else None
    return {
        **api_shapes.whole_pull(body, files, commits=count, comments=said),
        "merged_by": by,
        **{key: [] for key in ("assignees", "requested_reviewers", "requested_teams")},
    }


def _label(place: Place, ticket: Ticket) -> Json:
    """The label that was put on or taken off; on the pull request itself it may be gone."""
    alone = replace(pull_record.read(place.home, ticket.number), labels=(str(ticket.body["label"]),))
    label: Json = api_shapes.pull(place, alone, {"head": ticket.head, "base": ticket.head})["labels"][0]
    return label
