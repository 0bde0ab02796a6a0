"""The room's process: `python -m ratchet.serving.raw.worker SOCKET FOLDER`, started by `process`.

It ends when the server closes its end, however the server ends.
"""

from __future__ import annotations

import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ratchet.serving.raw import wire
from ratchet.serving.refusal import RequestRefused

if TYPE_CHECKING:
    import pyarrow as pa

    from ratchet.serving.raw.room import Room


def main(connection: socket.socket, folder: Path) -> None:
    """Load the room, say so, and answer requests until nobody asks any more."""
    try:
        from ratchet.serving.raw.room import Room

        room = Room.load(folder)
    except Exception as error:  # whatever the room does when it is imported
        wire.send(connection, wire.Kind.FAILED, f"{type(error).__name__}: {error}".encode(errors="replace"))
        return
    wire.send(connection, wire.Kind.READY, room.describe())
    while True:
        try:
            _, content = wire.receive(connection)
        except EOFError:
            return
        wire.send(connection, *answer(room, content))


def answer(room: Room, content: bytes) -> tuple[wire.Kind, bytes]:
    """The answer to one request: features, a refusal, or what failed."""
    from ratchet.serving.bodies import decode

    request = msgspec.msgpack.decode(content, type=wire.Request)
    try:
        features, notes = room.features(decode(request.body), max_rows=request.max_rows)
    except RequestRefused as refused:
        return wire.Kind.REFUSED, msgspec.msgpack.encode(wire.Refusal.of(refused))
    except Exception as error:  # a bug; the next request may be fine
        traceback.print_exc()
        return wire.Kind.FAILED, f"{type(error).__name__}: {error}".encode(errors="replace")
    return wire.Kind.FEATURES, msgspec.msgpack.encode(wire.Answer(_stream(features), notes))


def _stream(features: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, features.schema) as writer:
        writer.write_table(features)
    return bytes(sink.getvalue())


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]))
