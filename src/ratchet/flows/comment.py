"""One comment for each pull request and marker: made once, then changed in place, whoever races."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ratchet.core import sticky
from ratchet.io.github.client import Comment, GitHubFailed, Pull

ACTIONS_BOT = "github-actions[bot]"
"""As whom a workflow's own token writes; it may not ask who it is."""

POINTER = "*The report goes on: it is too long for a comment, and whole in the run's artifacts.*"


class Conversation(Protocol):
    """What of the API a comment takes; `ratchet.io.github.GitHub` has it."""

    def viewer(self) -> str | None:
        """The login of the token's own user, or None."""

    def comments(self, number: int) -> list[Comment]:
        """All comments of a pull request."""

    def add_comment(self, number: int, body: str) -> Comment:
        """A new comment."""

    def edit_comment(self, comment: int, body: str) -> Comment:
        """Another text for a comment."""

    def delete_comment(self, comment: int) -> None:
        """Remove a comment."""

    def pull(self, number: int) -> Pull:
        """One pull request."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What became of a comment, and its address; `kept`: a report about a newer commit stands there."""

    action: Literal["made", "updated", "kept"]
    page: str


@dataclass(frozen=True, kw_only=True)
class About:
    """The commits that a text is about, the newest last, and the sentence that a text cut short ends with."""

    commits: tuple[str, ...] = ()
    pointer: str = POINTER


def post_comment(client: Conversation, number: int, body: str, marker: str, about: About = About()) -> Posted:
    """Put `body` into our comment with this marker, wherever it stands in the conversation; make it if there is none.

    Of several that are ours the oldest is kept and the others are removed, so that two racing calls leave one. A
    report about the pull request's newest commit is not replaced by one about an older commit.
    Raises GitHubFailed.
    """
    newest = about.commits[-1] if about.commits else ""
    text = sticky.with_marker(body, marker, commit=newest, pointer=about.pointer)
    mine = _mine(client, number, marker)
    if mine and _newer(client, number, mine[0], about.commits):
        return Posted(action="kept", page=mine[0].page)
    if mine:
        return _settle(client, number, mine, text)
    made = client.add_comment(number, text)
    # Asked again: another run may have made one meanwhile. The answer also says as whom we write.
    found = sticky.ours(client.comments(number), marker, made.author)
    if found and found[0].id != made.id:
        return _settle(client, number, found, text)
    _remove(client, found[1:])
    return Posted(action="made", page=made.page)


def _mine(client: Conversation, number: int, marker: str) -> list[Comment]:
    marked = [one for one in client.comments(number) if one.body.startswith(marker)]
    return sticky.ours(marked, marker, client.viewer() or ACTIONS_BOT) if marked else []


def _newer(client: Conversation, number: int, ours: Comment, commits: tuple[str, ...]) -> bool:
    """Whether our comment is about the newest commit, and the text that would replace it is not."""
    said = sticky.commit_of(ours.body)
    return bool(said and commits) and said not in commits and client.pull(number).head_sha == said


def _settle(client: Conversation, number: int, mine: list[Comment], text: str) -> Posted:
    try:
        kept = client.edit_comment(mine[0].id, text)
    except GitHubFailed as error:
        if error.status != 404:
            raise
        # Somebody removed it since it was listed.
        kept = client.add_comment(number, text)
        return Posted(action="made", page=kept.page)
    _remove(client, mine[1:])
    return Posted(action="updated", page=kept.page)


def _remove(client: Conversation, comments: list[Comment]) -> None:
    for one in comments:
        client.delete_comment(one.id)
