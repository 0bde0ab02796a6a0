"""Environments through GitHub's API: who approved a run that waited for one, and what serves there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from ratchet.io.github.calls import Caller
from ratchet.io.github.errors import Call, misunderstood

READ_RUNS = "actions: read"
DEPLOY = "deployments: write"
READ_DEPLOYMENTS = "deployments: read"

LONGEST_DESCRIPTION = 140
"""Characters of a description that GitHub takes."""

DeploymentState = Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a person said about a run that waited for environments; `who` is a login, empty for a user who is gone."""

    who: str
    approved: bool
    environments: tuple[str, ...]
    comment: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Review:
        """From an `environment-approvals`."""
        return cls(
            who=(body.get("user") or {}).get("login", ""),
            approved=body["state"] == "approved",
            environments=tuple(each["name"] for each in body["environments"]),
            comment=body.get("comment") or "",
        )


@dataclass(frozen=True, kw_only=True)
class DeploymentDraft:
    """A deployment to be made: `sha` is the commit, `payload` is kept with it."""

    sha: str
    environment: str
    task: str
    description: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment; `payload` is empty where somebody else's is no object."""

    id: int
    sha: str
    payload: Mapping[str, Any]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Deployment:
        """From a `deployment`."""
        payload = body.get("payload")
        return cls(id=body["id"], sha=body["sha"], payload=payload if isinstance(payload, dict) else {})


class Deployments:
    """The runs' reviews and the deployments of one repository; `root` is its path in the API."""

    def __init__(self, caller: Caller, root: str) -> None:
        self._caller = caller
        self._root = root

    def reviews(self, run: int) -> list[Review]:
        """What people said about a run that waited for an environment, in all its attempts."""
        path, what = f"{self._root}/actions/runs/{run}/approvals", f"say who approved run {run}"
        call = Call(method="GET", path=path, what=what, permission=READ_RUNS)
        return _each(call, Review.read, self._caller.json(call))

    def listed(self, *, environment: str, task: str) -> list[Deployment]:
        """The deployments of a task in an environment, the newest first."""
        call = Call(
            method="GET",
            path=f"{self._root}/deployments",
            what=f"list the deployments in {environment}",
            permission=READ_DEPLOYMENTS,
            query={"environment": environment, "task": task},
        )
        return [one for page in self._caller.pages(call) for one in _each(call, Deployment.read, page)]

    def state(self, number: int) -> str:
        """How a deployment stands; empty where nobody has said so."""
        path, what = f"{self._root}/deployments/{number}/statuses", f"say how deployment {number} stands"
        call = Call(method="GET", path=path, what=what, permission=READ_DEPLOYMENTS, query={"per_page": 1})
        found = _each(call, lambda body: str(body["state"]), self._caller.json(call))
        return found[0] if found else ""

    def make(self, draft: DeploymentDraft) -> Deployment:
        """A new deployment of exactly this commit: nothing is merged into it, and no status is asked for."""
        call = Call(
            method="POST",
            path=f"{self._root}/deployments",
            what=f"make a deployment of {draft.sha[:9]}",
            permission=DEPLOY,
            body={
                "ref": draft.sha,
                "environment": draft.environment,
                "task": draft.task,
                "description": draft.description[:LONGEST_DESCRIPTION],
                "payload": dict(draft.payload),
                "auto_merge": False,
                "required_contexts": [],
            },
            repeatable=False,
        )
        return _each(call, Deployment.read, [self._caller.json(call)])[0]

    def set_state(self, number: int, state: DeploymentState, *, description: str = "", page: str = "") -> None:
        """Say how a deployment stands; `page` is for people."""
        call = Call(
            method="POST",
            path=f"{self._root}/deployments/{number}/statuses",
            what=f"set deployment {number} to {state}",
            permission=DEPLOY,
            # Which others end is said one by one: GitHub would end all of the environment, those of other models, too.
            body={"state": state, "description": description[:LONGEST_DESCRIPTION], "auto_inactive": False}
            | ({"log_url": page} if page else {}),
        )
        self._caller.send(call)


def _each(call: Call, read: Callable[[Mapping[str, Any]], Record], bodies: Any) -> list[Record]:
    """The records of a list. Raises GitHubFailed if it is none of them."""
    try:
        return [read(body) for body in list(bodies)]
    except (KeyError, TypeError, AttributeError) as error:
        raise misunderstood(call, f"has another shape ({error!r})") from error
