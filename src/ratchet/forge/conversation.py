"""What is said about a pull request and its commits: comments and commit statuses, kept as files of the forge.

comments/7.json             the comments of pull request 7, oldest first
comments/last               the number of the newest comment; none is given twice
statuses/<commit>.json      every status that the commit was given, oldest first
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.forge.home import Home
from ratchet.io.files import write_json, write_text

BOT = "github-actions[bot]"
"""As whom a job writes, as on GitHub."""


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment; times are UTC, as GitHub writes them."""

    id: int
    body: str
    user: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """One status of a commit: state is error, failure, pending or success."""

    context: str
    state: str
    description: str
    target_url: str
    created_at: str
    id: int = 0


def comments(home: Home, number: int) -> list[Comment]:
    """The comments of a pull request, oldest first."""
    return [Comment(**one) for one in _read(_comments_file(home, number))]


def add_comment(home: Home, number: int, body: str, *, user: str = BOT) -> Comment:
    """A new comment."""
    with _locked(home):
        identity, now = _next(home.root / "comments" / "last"), _now()
        made = Comment(id=identity, body=body, user=user, created_at=now, updated_at=now)
        _write(_comments_file(home, number), [*comments(home, number), made])
    return made


def edit_comment(home: Home, comment: int, body: str) -> tuple[int, Comment] | None:
    """Put another text in a comment, by its id: its pull request and the comment, or None if there is no such one."""
    return _change(home, comment, lambda one: replace(one, body=body, updated_at=_now()))


def delete_comment(home: Home, comment: int) -> bool:
    """Remove a comment by its id; False if there is none."""
    return _change(home, comment, lambda _: None) is not None


def statuses(home: Home, sha: str) -> list[Status]:
    """The newest status of each context, the newest first."""
    newest = {one.context.lower(): one for one in _statuses(home, sha)}
    return sorted(newest.values(), key=lambda one: one.id, reverse=True)


def add_status(home: Home, sha: str, status: Status) -> Status:
    """Give a commit a status; time and number are given here."""
    with _locked(home):
        known = _statuses(home, sha)
        made = replace(status, id=len(known) + 1, created_at=_now())
        _write(_statuses_file(home, sha), [*known, made])
    return made


def _change(home: Home, comment: int, change: Callable[[Comment], Comment | None]) -> tuple[int, Comment] | None:
    """Change or remove (None) the comment of that id; what it was, or became, and its pull request."""
    with _locked(home):
        for path in (home.root / "comments").glob("[0-9]*.json"):
            number = int(path.stem)
            known = comments(home, number)
            for place, one in enumerate(known):
                if one.id == comment:
                    changed = change(one)
                    _write(path, [*known[:place], *([changed] if changed else []), *known[place + 1 :]])
                    return number, changed or one
    return None


def _statuses(home: Home, sha: str) -> list[Status]:
    return [Status(**one) for one in _read(_statuses_file(home, sha))]


def _comments_file(home: Home, number: int) -> Path:
    return home.root / "comments" / f"{number}.json"


def _statuses_file(home: Home, sha: str) -> Path:
    return home.root / "statuses" / f"{sha}.json"


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


def _write(path: Path, records: list[Comment] | list[Status]) -> None:
    write_json(path, [asdict(one) for one in records])


def _next(path: Path) -> int:
    """The number after the last one that was given."""
    number = int(path.read_text(encoding="utf-8")) + 1 if path.exists() else 1
    write_text(path, str(number))
    return number


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """One writer at a time; readers see whole files without it."""
    with (home.root / "conversation.lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
