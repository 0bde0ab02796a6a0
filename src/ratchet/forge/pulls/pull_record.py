"""What the forge knows of a pull request: pulls/7.json, written whole, and changed only under the folder's lock."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ratchet.errors import UsageError
from ratchet.forge.home import Home
from ratchet.io.files import write_json

OPEN: Literal["open"] = "open"
MERGED: Literal["merged"] = "merged"
CLOSED: Literal["closed"] = "closed"

FILE = re.compile(r"(\d+)\.json")


@dataclass(frozen=True, kw_only=True)
class Pull:
    """One pull request: branch `head` is to be merged into branch `base`.

    `head_sha` is the newest commit of its branch; `conflicts` are the paths that keep it from being merged into the
    base as it is. `landings` are the commits that `ratchet pr merge` made of it: once the base has one of them, the
    pull request is merged, whatever was killed meanwhile. `merged_by` asked for the last of them, or merged by hand.
    `past` says past which required statuses, by whom and why. Times are UTC in ISO 8601; empty: it has not happened.
    """

    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    head_sha: str
    created: str
    updated: str
    state: Literal["open", "merged", "closed"] = OPEN
    labels: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    landings: tuple[str, ...] = ()
    past: str = ""
    merged_sha: str = ""
    merged_by: str = ""
    closed: str = ""

    @property
    def head_ref(self) -> str:
        """The ref of its newest commit; it stays when the branch goes."""
        return f"refs/pull/{self.number}/head"

    @property
    def merge_ref(self) -> str:
        """The ref of that commit merged into the base, on which its workflows run; there is none in conflict."""
        return f"refs/pull/{self.number}/merge"

    @property
    def is_open(self) -> bool:
        """Whether it is neither merged nor closed."""
        return self.state == OPEN


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a person asks for with a new pull request; `head` and `base` are branches."""

    title: str
    body: str
    head: str
    base: str
    author: str
    labels: tuple[str, ...] = ()


def folder(home: Home) -> Path:
    """Where the pull requests of a forge are."""
    return home.root / "pulls"


def read(home: Home, number: int) -> Pull:
    """One pull request. Raises UsageError if there is none of that number."""
    path = folder(home) / f"{number}.json"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"the forge has no pull request {number}", next_step="ratchet pr list") from error
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
    return Pull(**fields)


def every(home: Home) -> list[Pull]:
    """Every pull request, oldest first."""
    names = (FILE.fullmatch(path.name) for path in folder(home).glob("*.json"))
    return [read(home, number) for number in sorted(int(name[1]) for name in names if name)]


def save(home: Home, pull: Pull) -> Pull:
    """Write a pull request, whole or not at all, and the time; be inside `locked` since it was read."""
    saved = replace(pull, updated=now())
    write_json(folder(home) / f"{pull.number}.json", asdict(saved))
    return saved


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Nobody else changes a pull request inside the block. The kernel lets go of the lock however the process ends."""
    folder(home).mkdir(exist_ok=True)
    with (folder(home) / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def now() -> str:
    """The time, as GitHub writes it: 2026-07-01T12:00:00Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
