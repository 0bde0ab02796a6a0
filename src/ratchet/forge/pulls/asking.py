"""From a checkout to its forge: where that is, the branch that is pushed for a pull request, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import ServiceFailed, UsageError
from ratchet.forge.home import REMOTE, Home
from ratchet.forge.pulls.landing import push
from ratchet.forge.pulls.merging import Person
from ratchet.forge.pulls.pull_record import Draft
from ratchet.io.git import git, git_says


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a person says of a new pull request; an empty title is that of the newest commit."""

    title: str
    body: str
    base: str
    labels: tuple[str, ...] = ()


def home_of(checkout: Path) -> Home:
    """The forge that a checkout has as a remote. Raises UsageError if it has none."""
    url = git_says(["remote", "get-url", REMOTE], cwd=checkout)
    home = Home(Path(url).parent) if url else None
    if home is None or not home.variables.is_file():
        raise UsageError(f"{checkout} has no forge as its remote {REMOTE}", next_step="ratchet forge init")
    return home


def push_branch(home: Home, checkout: Path, words: Words, *, actor: str) -> Draft:
    """Push the branch that is checked out, and make the draft of its pull request.

    Raises UsageError if no branch is checked out, or the base itself is, and ServiceFailed if the push is refused.
    """
    branch = git_says(["symbolic-ref", "--quiet", "--short", "HEAD"], cwd=checkout)
    if branch is None or branch == words.base:
        raise UsageError(
            f"{'no branch' if branch is None else branch} is checked out, and a pull request is of another branch",
            next_step="git switch --create NAME, then the same command again",
        )
    if not push(checkout, REMOTE, f"HEAD:refs/heads/{branch}", actor=actor):
        raise ServiceFailed(
            f"{branch} was not pushed to {home.origin}",
            next_step=f"if its history was rewritten: git push --force-with-lease {REMOTE} {branch}",
        )
    title = words.title or git(["log", "-1", "--format=%s"], cwd=checkout)
    return Draft(title=title, body=words.body, head=branch, base=words.base, author=actor, labels=words.labels)


def author(checkout: Path, actor: str) -> Person:
    """Whom git in a checkout takes its user for, else the actor's name without an address."""
    name, email = (git_says(["config", f"user.{key}"], cwd=checkout) for key in ("name", "email"))
    return Person(name=name or actor, email=email or f"{actor}@localhost")
