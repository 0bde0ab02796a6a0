"""The event that started a workflow, as far as a report needs it: which pull request, and which commit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Event:
    """`number` of the pull request, None where there is none; `head`, the commit that it is about, may be empty."""

    number: int | None = None
    head: str = ""


def read_event(path: Path | None) -> Event:
    """The event in a payload's file; without a file, one that says nothing. Raises UsageError if it is no payload."""
    if path is None:
        return Event()
    try:
        body = json.loads(path.read_bytes())
        return _event(body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not the payload of an event: {error!r}", next_step="unset GITHUB_EVENT_PATH, or use --pr"
        ) from error


def _event(body: dict[str, Any]) -> Event:
    if pull := body.get("pull_request"):
        return Event(number=int(pull["number"]), head=str(pull["head"]["sha"]))
    if (issue := body.get("issue")) and issue.get("pull_request"):
        return Event(number=int(issue["number"]))
    return Event(head=str(body.get("after") or ""))
