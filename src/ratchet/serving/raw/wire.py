"""What the server and the room's process say to each other: messages of a kind and a length, over a socket pair.

Nothing in them is code: JSON, and tables as Arrow's stream format.
"""

from __future__ import annotations

import socket
import struct
from enum import IntEnum
from typing import Any

import msgspec

from ratchet.errors import Violation
from ratchet.serving.notes import Note
from ratchet.serving.refusal import RequestRefused

HEADER = struct.Struct(">BQ")


class Kind(IntEnum):
    """What a message is. The first that the process says is READY or FAILED; then one answer for each REQUEST."""

    READY = 1
    REQUEST = 2
    FEATURES = 3
    REFUSED = 4
    FAILED = 5


class Description(msgspec.Struct, frozen=True):
    """What a room takes: a JSON Schema of a row of each table, the rows first, and a row of each that it accepts."""

    schemas: dict[str, dict[str, Any]]
    example: dict[str, list[dict[str, Any]]]


class Refusal(msgspec.Struct, frozen=True):
    """A `RequestRefused` on its way."""

    message: str
    next_step: str
    status: int
    violations: list[Violation]

    @classmethod
    def of(cls, error: RequestRefused) -> Refusal:
        """The refusal as a message."""
        return cls(error.summary, error.next_step, error.status, list(error.violations))

    def error(self) -> RequestRefused:
        """The refusal as it was raised."""
        return RequestRefused(self.message, next_step=self.next_step, status=self.status, violations=self.violations)


class Request(msgspec.Struct, frozen=True):
    """Raw rows as they came, and how many of them one request may have."""

    body: bytes
    max_rows: int


class Answer(msgspec.Struct, frozen=True):
    """The features as an Arrow stream, and what is to be noted of the rows."""

    features: bytes
    notes: list[Note]


def send(connection: socket.socket, kind: Kind, content: bytes) -> None:
    """Send one message. Raises OSError if nobody listens."""
    connection.sendall(HEADER.pack(kind, len(content)))
    connection.sendall(content)


def receive(connection: socket.socket) -> tuple[Kind, bytes]:
    """The next message. Raises EOFError if the other side is gone, OSError also if it takes too long."""
    kind, length = HEADER.unpack(_exactly(connection, HEADER.size))
    return Kind(kind), _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = bytearray(length)
    view, found = memoryview(content), 0
    while found < length:
        count = connection.recv_into(view[found:])
        if not count:
            raise EOFError("the other side closed the connection")
        found += count
    return bytes(content)
