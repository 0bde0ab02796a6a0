"""The one comment that a pull request gets: how it is known again, and how a long text becomes short enough.

A comment is ours if its text begins with the hidden marker *and* the API says that we wrote it: anybody can type a
marker. Of several of ours, which two racing runs can leave, the oldest is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

LIMIT = 65_536
"""The longest comment that GitHub takes, in characters; counted here in UTF-16 units, which are never fewer."""

COMMIT = re.compile(r"<!-- ratchet:commit:([0-9a-f]{40}) -->")
LINE = re.compile(r"[^\n]*\n|[^\n]+")
HEADING = re.compile(r"#{1,6} ")
FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")


class Written(Protocol):
    """A comment, as the API tells it."""

    @property
    def id(self) -> int:
        """Its number: a later comment has a larger one."""

    @property
    def author(self) -> str:
        """The login of who wrote it."""

    @property
    def body(self) -> str:
        """Its text."""


Comment = TypeVar("Comment", bound=Written)


def marker_of(model: str, kind: str = "report") -> str:
    """The hidden first line of a comment about a model; each kind of comment has its own."""
    return f"<!-- ratchet:{kind}:{model.replace('--', '-')} -->"


def ours(comments: Iterable[Comment], marker: str, login: str) -> list[Comment]:
    """The comments with this marker that `login` wrote, oldest first: keep the first, remove the others."""
    found = (one for one in comments if one.author == login and one.body.startswith(marker))
    return sorted(found, key=lambda one: one.id)


def with_marker(text: str, marker: str, *, commit: str = "", pointer: str = "") -> str:
    """A comment's whole text: the marker, the commit that it is about, and as much of `text` as fits.

    `pointer` is the sentence that says where the rest is.
    """
    head = f"{marker}\n" + (f"<!-- ratchet:commit:{commit} -->\n" if commit else "")
    return head + cut(text, LIMIT - size(head), pointer)


def commit_of(body: str) -> str:
    """The commit that a comment is about, or an empty string."""
    # Before the text itself: a report could quote such a line.
    found = COMMIT.search("\n".join(body.splitlines()[:2]))
    return found[1] if found else ""


def size(text: str) -> int:
    """The length of a text as GitHub may count it, in UTF-16 units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def cut(text: str, limit: int, pointer: str) -> str:
    """`text`, or its first sections and `pointer` if it is longer than `limit`.

    It ends before a heading that stands neither in a fold nor in a block of code; where no section fits, at a line, and
    where no line fits, anywhere.
    """
    if size(text) <= limit:
        return text
    room = limit - size(pointer) - 2
    fitting = [place for place in _sections(text) if 0 < size(text[:place]) <= room]
    kept = text[: fitting[-1]].rstrip() if fitting else _first_lines(text, room)
    return f"{kept}\n\n{pointer}" if kept else pointer


def _sections(text: str) -> Iterator[int]:
    """Where sections begin that stand on their own."""
    place = 0
    for line, fence, depth in _lines(text):
        if not fence and depth == 0 and HEADING.match(line):
            yield place
        place += len(line)


def _lines(text: str) -> Iterator[tuple[str, str, int]]:
    """Each line with what is open before it: the fence of a block of code, and how many folds; last, an empty line."""
    fence, depth = "", 0
    # Not splitlines: to Markdown, separators other than a newline are characters like any.
    for line in LINE.findall(text):
        yield line, fence, depth
        if fence:
            fence = "" if _closes(line, fence) else fence
        elif opened := FENCE.match(line):
            fence = opened[1]
        else:
            depth = max(0, depth + line.count("<details") - line.count("</details>"))
    yield "", fence, depth


def _closes(line: str, fence: str) -> bool:
    """As CommonMark has it: nothing but as many of the same character, or more."""
    bare = line.strip()
    return bare.startswith(fence) and set(bare) == {fence[0]} and not line.startswith("    ")


def _first_lines(text: str, room: int) -> str:
    """As many whole lines as fit, with whatever is open in them closed; where none fits, the first characters."""
    start = text.encode("utf-16-le", errors="surrogatepass")[: max(0, room) * 2]
    kept = start.decode("utf-16-le", errors="ignore")
    if "\n" not in kept:
        return kept
    while kept := kept.rpartition("\n")[0]:
        *_, (_, fence, depth) = _lines(kept)
        whole = kept + (f"\n{fence}" if fence else "") + "\n</details>" * depth
        if size(whole) <= room:
            return whole
    return ""
