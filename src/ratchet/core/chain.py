"""A chain of records in a file of JSON lines: an edited, dropped or reordered line is found when it is read.

Each record carries the SHA-256 of itself and of the one before it; the first one names GENESIS. The chain shows that
nobody changed a line by accident or on the quiet; who may append is for the place where the file is kept. A long chain
may be cut into several files: the next one goes on where the one before it ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ratchet.core.section import Section
from ratchet.errors import TamperedFile

GENESIS = "0" * 64
"""What the first record names as the one before it."""


class Place(NamedTuple):
    """A record's number in its chain, and its hash."""

    sequence: int
    hash: str


START = Place(0, GENESIS)
"""Before the first record."""


class Link(Section):
    """A record's place in its chain."""

    sequence: int
    previous: str
    hash: str


Linked = TypeVar("Linked", bound=Link)


def linked(record: type[Linked], chain: Sequence[Linked], body: dict[str, Any]) -> Linked:
    """The record of these fields that follows the last one of `chain`."""
    last = Place(chain[-1].sequence, chain[-1].hash) if chain else START
    placed = {**body, "sequence": last.sequence + 1, "previous": last.hash}
    return record(**placed, hash=_digest(placed))


def dump(chain: Iterable[Link]) -> str:
    """The file's text."""
    return "".join(_canonical(link.model_dump()) + "\n" for link in chain)


def load(
    record: type[Linked] | TypeAdapter[Linked], text: str | bytes, *, name: str, next_step: str, after: Place = START
) -> tuple[Linked, ...]:
    """Read a file of the chain `name` and verify it; `record` is what a line is, or one of several things.

    `after` is the place of the last entry of the file before it. Raises TamperedFile that names the first line that
    does not fit, and says `next_step`.
    """
    read = record.validate_json if isinstance(record, TypeAdapter) else record.model_validate_json
    lines = split(text)
    chain: list[Linked] = []
    for line, body in zip(lines, verified(lines, name=name, next_step=next_step, after=after), strict=True):
        try:
            chain.append(read(line))
        except ValidationError as error:
            raise TamperedFile(f"{name} entry {body['sequence']} cannot be read", next_step=next_step) from error
    return tuple(chain)


def split(text: str | bytes) -> list[bytes]:
    """The lines of a file of a chain."""
    raw = text.encode() if isinstance(text, str) else text
    # Not splitlines: a text may hold U+2028 or another mark that it would take for the end of a line.
    return raw.removesuffix(b"\n").split(b"\n") if raw else []


def verified(lines: Sequence[bytes], *, name: str, next_step: str, after: Place = START) -> Iterator[dict[str, Any]]:
    """The fields of each line as JSON has them, with the chain verified up to there; no record is built.

    Raises TamperedFile that names the first line that does not fit, and says `next_step`.
    """
    number, previous = after
    for line, body in zip(lines, _parsed(lines), strict=True):
        if not _fits(line, body, number + 1, previous):
            problem = _problem(body, Place(number, previous))
            if problem:
                raise TamperedFile(f"{name} entry {number + 1} {problem}", next_step=next_step)
        number, previous = body["sequence"], body["hash"]
        yield body


def _parsed(lines: Sequence[bytes]) -> Sequence[Any]:
    """All at once, which is much quicker; or one by one, where something is wrong with one of them."""
    try:
        found = from_json(b"[" + b",".join(lines) + b"]", cache_strings="keys")
    except ValueError:
        found = None
    return found if found is not None and len(found) == len(lines) else [_parsed_alone(line) for line in lines]


def _parsed_alone(line: bytes) -> Any:
    try:
        return from_json(line)
    except ValueError:
        return None


def _fits(line: bytes, body: Any, number: int, previous: str) -> bool:
    """Whether this is, byte for byte, the line that would be written here; what is not needs a closer look."""
    try:
        own = body["hash"]
        # What was hashed is the line without its hash.
        digest = sha256(line.replace(b'"hash":"%b",' % own.encode(), b"", 1)).hexdigest()
        return bool(digest == own and body["sequence"] == number and body["previous"] == previous)
    except (TypeError, KeyError, AttributeError):
        return False


def _problem(body: Any, last: Place) -> str:
    if not isinstance(body, dict) or not body.keys() >= Link.model_fields.keys():
        return "cannot be read"
    if body["sequence"] != last.sequence + 1 or body["previous"] != last.hash:
        return "does not follow the entry before it"
    # The line may be spaced or ordered otherwise: then it is written anew.
    rest = {key: value for key, value in body.items() if key != "hash"}
    return "" if body["hash"] == _digest(rest) else "was edited after it was written"


def _digest(body: dict[str, Any]) -> str:
    return sha256(_canonical(body).encode()).hexdigest()


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
