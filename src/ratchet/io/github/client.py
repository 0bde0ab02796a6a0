"""GitHub's REST API, as far as the project speaks to it; the forge answers the same calls on this machine.

`connect(settings)` takes address, repository and token from the environment of a workflow. Every method raises
GitHubFailed (a ServiceFailed) with the call, the status, GitHub's own words and the permission that may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from ratchet.errors import UsageError
from ratchet.io.github.calls import Caller
from ratchet.io.github.deployments import Deployments
from ratchet.io.github.errors import Call, GitHubFailed, misunderstood
from ratchet.io.github.records import Artifact, ChangedFile, Comment, Pull, PullDraft, Status
from ratchet.settings import GitHubSettings

__all__ = ["Artifact", "ChangedFile", "Comment", "GitHub", "GitHubFailed", "Pull", "PullDraft", "Status", "connect"]

FILES_LISTED = 3000
"""GitHub lists no more files of a pull request than this; compare `Pull.changed_files`."""

COMMENT = OPEN = "pull-requests: write"
READ_PULLS = "pull-requests: read"
STATUS = "statuses: write"
READ_STATUSES = "statuses: read"
START = "actions: write"
SEND_EVENT = "contents: write"
READ_ACTIONS = "actions: read"

FULL_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/(?!\.\.?$)[\w.-]+")

Record = TypeVar("Record")


def connect(github: GitHubSettings) -> GitHub:
    """The API of the repository that the environment names.

    Raises GitHubFailed if there is no token, and UsageError for an address or a name that cannot be.
    """
    if not github.token.value:
        raise GitHubFailed("there is no token for GitHub", next_step="env GITHUB_TOKEN: ${{ github.token }}")
    if not FULL_NAME.fullmatch(github.repository):
        raise UsageError(
            f"GITHUB_REPOSITORY is {github.repository!r}, not owner/name", next_step="set it, as a workflow does"
        )
    return GitHub(Caller(github.api_url, github.token), github.repository)


class GitHub:
    """The API of one repository, owner/name."""

    def __init__(self, caller: Caller, repository: str) -> None:
        self.repository = repository
        self._caller = caller
        self._root = f"/repos/{repository}"
        self.deployments = Deployments(caller, self._root)

    def close(self) -> None:
        """Let go of the connections."""
        self._caller.close()

    def viewer(self) -> str | None:
        """The login of the token's own user; None where it has none, as the token of a workflow."""
        call = Call(method="GET", path="/user", what="say whose the token is", permission="metadata: read")
        try:
            return _one(call, lambda body: str(body["login"]), self._caller.json(call))
        except GitHubFailed as error:
            if error.status == 403:
                return None
            raise

    def comments(self, number: int) -> list[Comment]:
        """All comments of pull request `number`, oldest first."""
        path, what = f"{self._root}/issues/{number}/comments", f"list the comments of #{number}"
        return self._all(Call(method="GET", path=path, what=what, permission=READ_PULLS), Comment.read)

    def add_comment(self, number: int, body: str) -> Comment:
        """A new comment; the answer says as whom it was written."""
        call = Call(
            method="POST",
            path=f"{self._root}/issues/{number}/comments",
            what=f"comment on #{number}",
            permission=COMMENT,
            body={"body": body},
        )
        return _one(call, Comment.read, self._caller.json(call))

    def edit_comment(self, comment: int, body: str) -> Comment:
        """Put another text in the place of a comment's, by its id."""
        call = Call(
            method="PATCH",
            path=f"{self._root}/issues/comments/{comment}",
            what=f"edit the comment {comment}",
            permission=COMMENT,
            body={"body": body},
        )
        return _one(call, Comment.read, self._caller.json(call))

    def delete_comment(self, comment: int) -> None:
        """Remove a comment by its id; one that is gone is fine."""
        path, what = f"{self._root}/issues/comments/{comment}", f"delete the comment {comment}"
        try:
            self._caller.send(Call(method="DELETE", path=path, what=what, permission=COMMENT))
        except GitHubFailed as error:
            if error.status != 404:
                raise

    def set_status(self, sha: str, status: Status) -> None:
        """Give a commit a status; the newest of a context counts."""
        body = {"context": status.context, "state": status.state, "description": status.description}
        call = Call(
            method="POST",
            path=f"{self._root}/statuses/{quote(sha, safe='')}",
            what=f"set the status {status.context} of {sha[:9]}",
            permission=STATUS,
            body=body | ({"target_url": status.target_url} if status.target_url else {}),
        )
        self._caller.send(call)

    def statuses(self, sha: str) -> list[Status]:
        """The statuses that a commit was given, the newest first."""
        path, what = f"{self._root}/commits/{quote(sha, safe='')}/statuses", f"list the statuses of {sha[:9]}"
        return self._all(Call(method="GET", path=path, what=what, permission=READ_STATUSES), Status.read)

    def open_pull(self, draft: PullDraft) -> Pull:
        """Make a pull request of a branch that was pushed; a workflow's own token starts no other workflow by it."""
        call = Call(
            method="POST",
            path=f"{self._root}/pulls",
            what=f"open a pull request of {draft.head}",
            permission=OPEN,
            body={"title": draft.title, "body": draft.body, "head": draft.head, "base": draft.base},
            repeatable=False,
        )
        return _one(call, Pull.read, self._caller.json(call))

    def pull(self, number: int) -> Pull:
        """One pull request."""
        path, what = f"{self._root}/pulls/{number}", f"show #{number}"
        call = Call(method="GET", path=path, what=what, permission=READ_PULLS)
        return _one(call, Pull.read, self._caller.json(call))

    def pull_files(self, number: int) -> list[ChangedFile]:
        """The files that a pull request touches, at most FILES_LISTED."""
        path, what = f"{self._root}/pulls/{number}/files", f"list the files of #{number}"
        return self._all(Call(method="GET", path=path, what=what, permission=READ_PULLS), ChangedFile.read)

    def pulls_of_commit(self, sha: str) -> list[Pull]:
        """The pull requests that a commit is part of; GitHub does not know those of a fork's commit here."""
        path, what = f"{self._root}/commits/{quote(sha, safe='')}/pulls", f"list the pull requests of {sha[:9]}"
        return self._all(Call(method="GET", path=path, what=what, permission=READ_PULLS), Pull.read)

    def pulls_by_head(self, owner: str, branch: str) -> list[Pull]:
        """The open pull requests from a branch of `owner`, of a fork too."""
        return self.pulls(head=f"{owner}:{branch}")

    def pulls(self, *, head: str = "", base: str = "", state: Literal["open", "closed", "all"] = "open") -> list[Pull]:
        """The pull requests from `head` (owner:branch), into the branch `base`, or all there are; the newest first."""
        what = f"list the pull requests from {head}" if head else "list the pull requests"
        query = {"state": state, **({"head": head} if head else {}), **({"base": base} if base else {})}
        call = Call(method="GET", path=f"{self._root}/pulls", what=what, permission=READ_PULLS, query=query)
        return self._all(call, Pull.read)

    def start_workflow(self, workflow: str, *, ref: str, inputs: Mapping[str, str]) -> None:
        """Start a workflow by the name of its file, on a branch or tag: workflow_dispatch."""
        call = Call(
            method="POST",
            path=f"{self._root}/actions/workflows/{quote(workflow, safe='')}/dispatches",
            what=f"start {workflow} on {ref}",
            permission=START,
            body={"ref": ref, "inputs": dict(inputs)},
            repeatable=False,
        )
        self._caller.send(call)

    def send_event(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Start the workflows that wait for an event of this kind: repository_dispatch."""
        call = Call(
            method="POST",
            path=f"{self._root}/dispatches",
            what=f"send the event {kind}",
            permission=SEND_EVENT,
            body={"event_type": kind, "client_payload": dict(payload)},
            repeatable=False,
        )
        self._caller.send(call)

    def artifacts(self, run: int, *, name: str = "") -> list[Artifact]:
        """What a run uploaded; with `name`, what it uploaded under that name."""
        call = Call(
            method="GET",
            path=f"{self._root}/actions/runs/{run}/artifacts",
            what=f"list the artifacts of run {run}",
            permission=READ_ACTIONS,
            query={"name": name} if name else {},
        )
        pages = self._caller.pages(call)
        return [_one(call, Artifact.read, each) for page in pages for each in _one(call, _artifacts, page)]

    def download_artifact(self, artifact: int, into: Path, *, limit: int) -> None:
        """Write an artifact's zip to the file `into`. Raises DataRefused for more than `limit` bytes."""
        call = Call(
            method="GET",
            path=f"{self._root}/actions/artifacts/{artifact}/zip",
            what=f"hand out the artifact {artifact}",
            permission=READ_ACTIONS,
        )
        self._caller.download(call, into, limit=limit)

    def _all(self, call: Call, read: Callable[[Mapping[str, Any]], Record]) -> list[Record]:
        return [_one(call, read, each) for page in self._caller.pages(call) for each in _one(call, list, page)]


def _artifacts(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(page["artifacts"])


def _one(call: Call, read: Callable[[Any], Record], body: Any) -> Record:
    """The record in an answer. Raises GitHubFailed if it is not there."""
    try:
        return read(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise misunderstood(call, f"has another shape ({error!r})") from error
