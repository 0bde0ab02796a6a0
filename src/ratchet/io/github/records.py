"""What GitHub's API answers with, as records of what is used of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["error", "failure", "pending", "success"]


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment in the conversation of a pull request. `author` is a login, empty for a user who is gone."""

    id: int
    author: str
    body: str
    page: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Comment:
        """From an `issue-comment`."""
        return cls(
            id=body["id"],
            author=(body.get("user") or {}).get("login", ""),
            body=body.get("body") or "",
            page=body["html_url"],
        )


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a commit status says; `description` has at most 140 characters, `target_url` may be empty."""

    context: str
    state: State
    description: str
    target_url: str = ""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Status:
        """From a `status`."""
        return cls(
            context=body["context"],
            state=body["state"],
            description=body.get("description") or "",
            target_url=body.get("target_url") or "",
        )


@dataclass(frozen=True, kw_only=True)
class PullDraft:
    """A pull request to be made: `head` and `base` are branches of the repository, `body` is Markdown."""

    title: str
    body: str
    head: str
    base: str


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A pull request. `head_repository` is owner/name, empty for a fork that was deleted; `page` is for people.

    `changed_files` counts them; lists of pull requests do not say it, and it is None there.
    """

    number: int
    state: Literal["open", "closed"]
    head_sha: str
    head_branch: str
    head_repository: str
    base_sha: str
    base_branch: str
    changed_files: int | None
    merged: bool = False
    page: str = ""

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Pull:
        """From a `pull-request` or a `pull-request-simple`."""
        head, base = body["head"], body["base"]
        return cls(
            number=body["number"],
            state=body["state"],
            head_sha=head["sha"],
            head_branch=head["ref"],
            head_repository=(head.get("repo") or {}).get("full_name", ""),
            base_sha=base["sha"],
            base_branch=base["ref"],
            changed_files=body.get("changed_files"),
            merged=body.get("merged_at") is not None,
            page=body.get("html_url", ""),
        )


@dataclass(frozen=True, kw_only=True)
class ChangedFile:
    """A file that a pull request touches; `previous` is its path before it was renamed, else empty."""

    path: str
    previous: str
    status: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> ChangedFile:
        """From a `diff-entry`."""
        return cls(path=body["filename"], previous=body.get("previous_filename", ""), status=body["status"])


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that a run uploaded; `size` is in bytes, of the zip."""

    id: int
    name: str
    size: int
    expired: bool

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Artifact:
        """From an `artifact`."""
        return cls(id=body["id"], name=body["name"], size=body["size_in_bytes"], expired=body["expired"])
