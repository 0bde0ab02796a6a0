"""Which events a workflow's `on:` asks for: GitHub's rules for branches, tags, paths and their patterns.

Source: GitHub's "Workflow syntax", `on.push`, `on.pull_request`, and "Filter pattern cheat sheet". `*` matches within
one path segment, `**` across them, `?` and `+` repeat the character (or set) before them, `[...]` is a set, a backslash
makes the next character mean itself. In a list the last pattern that matches decides; a leading `!` makes it say no.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ratchet.errors import UsageError

TOKEN = re.compile(r"\*\*/|\*\*|\*|\[[^\]]+\]|\\.|.", re.DOTALL)
WILDCARDS = {"**/": "(?:.+/)?", "**": ".*", "*": "[^/]*"}
NOT = "!"
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Names to take, or names to leave out: `branches` and `branches-ignore`, and so on. None where none are named."""

    take: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None

    @property
    def named(self) -> bool:
        """Whether the workflow names any."""
        return self.take is not None or self.ignore is not None

    def wants(self, name: str) -> bool:
        """Whether `name` is chosen; every name is where none are named."""
        if self.take is not None:
            return selects(self.take, name)
        return self.ignore is None or not selects(self.ignore, name)

    def wants_any(self, names: Iterable[str]) -> bool:
        """Whether one of `names` is chosen; where none are named, it does not matter whether there are any."""
        return not self.named or any(self.wants(name) for name in names)


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """The filters below one event of a workflow's `on:`; of a pull request `branches` are those it goes to."""

    branches: Choice = Choice()
    tags: Choice = Choice()
    paths: Choice = Choice()

    def wants_push(self, ref: str, changed: Callable[[], Iterable[str]]) -> bool:
        """Whether a push of `ref` (a full name) that touched the paths of `changed` starts the workflow.

        Filters for one kind of ref alone leave the other out, and paths do not count for tags: GitHub's rules.
        """
        if ref.startswith(TAGS):
            chosen = self.tags if self.tags.named or not self.branches.named else NONE
            return chosen.wants(ref.removeprefix(TAGS))
        chosen = self.branches if self.branches.named or not self.tags.named else NONE
        return chosen.wants(ref.removeprefix(BRANCHES)) and self._wants_paths(changed)

    def wants_branch(self, branch: str, changed: Callable[[], Iterable[str]]) -> bool:
        """Whether a pull request into `branch` that touches the paths of `changed` starts the workflow."""
        return self.branches.wants(branch) and self._wants_paths(changed)

    def _wants_paths(self, changed: Callable[[], Iterable[str]]) -> bool:
        return not self.paths.named or self.paths.wants_any(changed())


NONE = Choice(take=())
"""Chooses nothing."""


def selects(patterns: Sequence[str], name: str) -> bool:
    """Whether `name` is chosen by a list of patterns: the last one that matches decides.

    >>> selects(["docs/**", "!docs/private/**"], "docs/private/a.md")
    False
    """
    for pattern in reversed(patterns):
        if compiled(pattern.removeprefix(NOT)).fullmatch(name):
            return not pattern.startswith(NOT)
    return False


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """One pattern, without its `!`, as a regular expression for the whole name. Raises UsageError if it is none."""
    try:
        return re.compile("".join(_atoms(pattern)), re.DOTALL)
    except re.error as error:
        raise UsageError(
            f"the filter pattern {pattern!r} cannot be read: {error}", next_step="mend it in the workflow's on:"
        ) from error


def _atoms(pattern: str) -> Iterator[str]:
    previous = ""
    for token in TOKEN.findall(pattern):
        if token in ("?", "+") and previous:
            yield f"(?:{previous}){token}"
            previous = ""
            continue
        yield previous
        previous = _atom(token)
    yield previous


def _atom(token: str) -> str:
    if token in WILDCARDS:
        return WILDCARDS[token]
    if len(token) > 1 and token.startswith("["):
        return "[" + token[1:-1].replace("\\", "\\\\").replace("^", "\\^") + "]"
    return re.escape(token[1:] if len(token) > 1 else token)
