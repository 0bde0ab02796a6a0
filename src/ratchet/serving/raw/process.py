"""The server's end of the room's process: started from a verified folder, asked one request at a time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ratchet.errors import ServiceFailed
from ratchet.serving.notes import Note
from ratchet.serving.raw import wire

if TYPE_CHECKING:
    import pyarrow as pa

START_SECONDS = 60.0
ANSWER_SECONDS = 30.0
"""A request that takes longer is given up, and the process with it."""

KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")
"""What the room's process sees of the environment: no credentials."""
ALONE = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
"""One request is worked on by one thread, as in the server."""


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    connection: socket.socket

    def end(self) -> None:
        self.connection.close()
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class RoomProcess:
    """The room of one champion. The process starts at once, and loads while the server does something else.

    It is ended when nothing refers to this object any more, so requests that are under way end first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._children: list[_Child] = [_start(folder)]
        self._described: bytes | None = None
        weakref.finalize(self, _end_all, self._children)

    def when_done(self, callback: Callable[[], object]) -> None:
        """Call back once nothing refers to this object any more, or Python ends."""
        weakref.finalize(self, callback)

    def describe(self) -> wire.Description:
        """What the room takes, once it is loaded. Raises ServiceFailed with its last words if it cannot be."""
        with self._lock:
            content = self._described or self._ready()
        return msgspec.json.decode(content, type=wire.Description)

    def features(self, body: bytes, *, max_rows: int) -> tuple[pa.Table, list[Note]]:
        """The features of a request's raw rows, and what is to be noted of them.

        Raises RequestRefused if the rows are, ServiceFailed if the process failed on them; the next request has a
        process again.
        """
        with self._lock:
            kind, content = self._asked(msgspec.msgpack.encode(wire.Request(body, max_rows)))
        if kind is wire.Kind.REFUSED:
            raise msgspec.msgpack.decode(content, type=wire.Refusal).error()
        if kind is not wire.Kind.FEATURES:
            raise _failed(content.decode(errors="replace"))
        return _opened(content)

    def _asked(self, request: bytes) -> tuple[wire.Kind, bytes]:
        if not self._children or self._described is None:
            self._ready()
        return self._exchange(request, ANSWER_SECONDS)

    def _ready(self) -> bytes:
        if not self._children:
            self._children.append(_start(self._folder))
        kind, content = self._exchange(None, START_SECONDS)
        if kind is not wire.Kind.READY:
            _end_all(self._children)
            raise _failed(content.decode(errors="replace"))
        self._described = content
        return content

    def _exchange(self, request: bytes | None, seconds: float) -> tuple[wire.Kind, bytes]:
        connection = self._children[0].connection
        connection.settimeout(seconds)
        try:
            if request is not None:
                wire.send(connection, wire.Kind.REQUEST, request)
            return wire.receive(connection)
        except (OSError, EOFError) as error:
            _end_all(self._children)
            why = f"took longer than {seconds:g} seconds" if isinstance(error, TimeoutError) else "ended"
            raise _failed(f"its process {why}") from error


def _start(folder: Path) -> _Child:
    ours, theirs = socket.socketpair()
    source = Path(__file__).parents[3]
    with theirs:
        process = subprocess.Popen(
            # -P: the folder that it starts in is no place to import from.
            [sys.executable, "-P", "-m", "ratchet.serving.raw.worker", str(theirs.fileno()), str(folder)],
            env={
                **{name: os.environ[name] for name in KEPT if name in os.environ},
                **ALONE,
                "PYTHONPATH": str(source),
                # The folder is sealed: a file more is a file too many.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            cwd=folder,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Ctrl-C is for the server, which ends what was begun.
            start_new_session=True,
        )
    return _Child(process, ours)


def _end_all(children: list[_Child]) -> None:
    while children:
        children.pop().end()


def _opened(content: bytes) -> tuple[pa.Table, list[Note]]:
    import pyarrow as pa

    answer = msgspec.msgpack.decode(content, type=wire.Answer)
    return pa.ipc.open_stream(answer.features).read_all(), answer.notes


def _failed(why: str) -> ServiceFailed:
    return ServiceFailed(f"the room failed: {why}", next_step="see the server's log; POST /predict takes features")
