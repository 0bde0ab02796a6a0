"""The event that another workflow's run has ended: which run, of which commit, from which repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """A finished run of a pull request. GitHub says these things; branch and repository have a stranger's names."""

    id: int
    conclusion: str
    head_sha: str
    head_branch: str
    head_repository: str
    page: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> WorkflowRun:
        """From the `workflow_run` of an event's payload. `head_repository` is empty for a fork that was deleted."""
        return cls(
            id=body["id"],
            conclusion=body["conclusion"] or "",
            head_sha=body["head_sha"],
            head_branch=body["head_branch"] or "",
            head_repository=(body["head_repository"] or {}).get("full_name", ""),
            page=body["html_url"],
        )


def run_of(event: Path | None, run_id: int) -> WorkflowRun:
    """The run that the event in the file `event` is about.

    Raises UsageError if there is no such event, if it is about another run than `run_id`, or about none of a pull
    request.
    """
    try:
        body = json.loads(event.read_bytes())["workflow_run"] if event else None
        if body is None or body["id"] != run_id or body["event"] != "pull_request":
            raise UsageError(
                f"the event is not the end of run {run_id}, or that run was not of a pull request",
                next_step="it is for workflows that start on workflow_run, as .github/workflows/report.yaml does",
            )
        return WorkflowRun.read(body)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"GITHUB_EVENT_PATH holds no workflow_run event: {error!r}",
            next_step="it is for workflows that start on workflow_run, as .github/workflows/report.yaml does",
        ) from error
