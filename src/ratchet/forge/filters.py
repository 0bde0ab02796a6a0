"""Which pushes a workflow's `on.push` asks for: GitHub's rules for branches, paths and their patterns.

Source: GitHub's "Workflow syntax", `on.push` and "Filter pattern cheat sheet". `*` matches within one path segment,
`**` across them, `?` and `+` repeat the character (or set) before them, `[...]` is a set, a backslash makes the next
character mean itself. In a list the last pattern that matches decides, and a leading `!` makes it say no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ratchet.errors import UsageError

TOKEN = re.compile(r"\*\*/|\*\*|\*|\[[^\]]+\]|\\.|.", re.DOTALL)
WILDCARDS = {"**/": "(?:.+/)?", "**": ".*", "*": "[^/]*"}
NOT = "!"


@dataclass(frozen=True, kw_only=True)
class PushFilter:
    """The filters of one `on.push`; None where the workflow names none."""

    branches: tuple[str, ...] | None = None
    branches_ignore: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] | None = None
    tags_named: bool = False

    def __post_init__(self) -> None:
        for one, other, key in (
            (self.branches, self.branches_ignore, "branches"),
            (self.paths, self.paths_ignore, "paths"),
        ):
            if one is not None and other is not None:
                raise UsageError(
                    f"on.push names both {key} and {key}-ignore",
                    next_step=f"keep {key} and put what to leave out there, with a leading !",
                )

    def wants(self, branch: str, changed: Sequence[str]) -> bool:
        """Whether a push to `branch` (without refs/heads/) that touched the paths in `changed` starts the workflow."""
        return self._wants_branch(branch) and self._wants_paths(changed)

    def _wants_branch(self, branch: str) -> bool:
        if self.branches is not None:
            return selects(self.branches, branch)
        if self.branches_ignore is not None:
            return not selects(self.branches_ignore, branch)
        # A filter that names tags alone is for tags alone.
        return not self.tags_named

    def _wants_paths(self, changed: Iterable[str]) -> bool:
        if self.paths is not None:
            return any(selects(self.paths, path) for path in changed)
        if self.paths_ignore is not None:
            return any(not selects(self.paths_ignore, path) for path in changed)
        return True


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
            f"the filter pattern {pattern!r} cannot be read: {error}", next_step="mend it in the workflow's on.push"
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
