"""A request to the forge's API once it is let in, what it may be answered with, and how its values are read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ratchet.forge.api.shapes import Place
from ratchet.forge.tickets import Ticket

PER_PAGE, MOST_PER_PAGE = 30, 100
"""Items on a page: GitHub's default, and the most that it gives."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that may be answered: where, for which run's ticket, the query, and the JSON of the body."""

    place: Place
    ticket: Ticket
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back: JSON, or nothing, or the bytes of a file."""

    status: int = 200
    json: Any = None
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An answer that says no, as GitHub words it. `fields` are those of the body that are wrong."""

    def __init__(self, status: int, message: str, *fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = fields


def text(body: Mapping[str, Any], name: str, *, optional: bool = False) -> str:
    """A string of the body; an `optional` one is empty if it is missing or null. Raises Refused."""
    value = body.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str):
        raise Refused(422, f'Invalid request. "{name}" wasn\'t supplied as a string.', name)
    return value


def mapping(body: Mapping[str, Any], name: str, most: int) -> dict[str, Any]:
    """An object of the body, empty if it is missing. Raises Refused, also for more than `most` properties."""
    value = body.get(name, {})
    if not isinstance(value, dict) or len(value) > most:
        raise Refused(422, f'Invalid request. "{name}" must be an object of at most {most} properties.', name)
    return value


def page_of(asked: Asked, items: Sequence[Any]) -> Answer:
    """One page of a list, with the links to the others."""
    size = min(max(_number(asked, "per_page", PER_PAGE), 1), MOST_PER_PAGE)
    page, last = max(_number(asked, "page", 1), 1), max(1, math.ceil(len(items) / size))
    wanted = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
    if page >= last:
        del wanted["next"], wanted["last"]
    if page == 1:
        del wanted["prev"], wanted["first"]

    def address(number: int) -> str:
        return f"{asked.place.url}{asked.path}?{urlencode({**asked.query, 'page': number})}"

    links = ", ".join(f'<{address(number)}>; rel="{name}"' for name, number in wanted.items())
    return Answer(json=list(items[(page - 1) * size : page * size]), headers={"Link": links} if links else {})


def _number(asked: Asked, name: str, default: int) -> int:
    value = asked.query.get(name, "")
    return int(value) if re.fullmatch(r"\d{1,9}", value) else default
