"""A chain of records in a file of JSON lines: an edited, dropped or reordered line is found when it is read.

Each record carries the SHA-256 of itself and of the one before it; the first one names GENESIS. The chain shows that
nobody changed a line by accident or on the quiet; who may append is for the place where the file is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from ratchet.core.section import Section
from ratchet.errors import TamperedFile

GENESIS = "0" * 64
"""What the first record names as the one before it."""


class Link(Section):
    """A record's place in its chain."""

    sequence: int
    previous: str
    hash: str


Linked = TypeVar("Linked", bound=Link)


def linked(record: type[Linked], chain: Sequence[Linked], body: dict[str, Any]) -> Linked:
    """The record of these fields that follows the last one of `chain`."""
    placed = {**body, "sequence": len(chain) + 1, "previous": chain[-1].hash if chain else GENESIS}
    return record(**placed, hash=_digest(placed))


def dump(chain: Iterable[Link]) -> str:
    """The file's text."""
    return "".join(_canonical(link.model_dump()) + "\n" for link in chain)


def load(record: type[Linked], text: str, *, name: str, next_step: str) -> tuple[Linked, ...]:
    """Read the file of the chain `name` and verify it.

    Raises TamperedFile that names the first line that does not fit, and says `next_step`.
    """
    chain: list[Linked] = []
    # Not splitlines: a text may hold U+2028 or another mark that it would take for the end of a line.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        try:
            link = record.model_validate_json(line)
        except ValidationError as error:
            raise TamperedFile(f"{name} entry {number} cannot be read", next_step=next_step) from error
        problem = _problem(link, number, chain[-1].hash if chain else GENESIS)
        if problem:
            raise TamperedFile(f"{name} entry {number} {problem}", next_step=next_step)
        chain.append(link)
    return tuple(chain)


def _problem(link: Link, number: int, previous: str) -> str:
    if link.sequence != number or link.previous != previous:
        return "does not follow the entry before it"
    if link.hash != _digest(link.model_dump(exclude={"hash"})):
        return "was edited after it was written"
    return ""


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
