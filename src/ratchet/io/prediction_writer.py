"""Writing the log of predictions: by a thread, so that no answer waits for the disk.

What waits to be written is bounded; beyond it, or where the disk refuses, lines are lost, counted and told in /health,
and the answers go out all the same. A killed process loses what it answered in its last moments: FLUSH_SECONDS at most,
and half of the line that it was at.
"""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ratchet.io.prediction_log import FILE_MODE, FOLDER_MODE, Prediction, file_of, request_id

FLUSH_SECONDS = 0.1
MOST_LINES = 20_000
MOST_VALUES = 8_000_000
"""Scores and inputs that wait to be written, in values: about as many times 8 bytes."""
CLOSE_SECONDS = 10.0
Make = Callable[[], Prediction]
"""Puts a line together; called by the thread that writes, as lists of numbers are not for free."""


class _Waiting(NamedTuple):
    path: Path
    make: Make
    values: int


class PredictionWriter:
    """Appends to this process's files in `folder`; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._waiting: deque[_Waiting] = deque()
        self._values = 0
        self._lock = threading.Lock()
        self._written = self._lost = 0
        self._trouble = ""
        self._open: tuple[Path, int] | None = None
        self._torn: set[Path] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
        self._thread.start()

    def next_id(self, moment: datetime) -> str:
        """An id that no other request has; `moment` (UTC) is when it was asked."""
        return request_id(moment.date(), self._server, next(self._numbers))

    def put(self, request: str, make: Make, *, values: int) -> None:
        """Have the line of the request `request` written; `values` is about how many numbers it has."""
        path = file_of(self._folder, request)
        if path is None:
            raise ValueError(f"{request} is not an id of this log")
        with self._lock:
            if len(self._waiting) >= MOST_LINES or self._values + values > MOST_VALUES:
                self._lost += 1
                self._trouble = "the disk is slower than the requests: what waits to be written is full"
                return
            self._values += values
            self._waiting.append(_Waiting(path, make, values))

    def health(self) -> dict[str, Any]:
        """Lines written and lost by this process, and the last trouble with them."""
        with self._lock:
            return {"written": self._written, "lost": self._lost, "trouble": self._trouble or None}

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._stopping.set()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()
        self._shut()

    def _flush(self) -> None:
        with self._lock:
            waiting, self._waiting, self._values = self._waiting, deque(), 0
        for path, lines in itertools.groupby(waiting, key=lambda each: each.path):
            self._append(path, [line for each in lines if (line := self._encoded(each.make))])

    def _encoded(self, make: Make) -> bytes:
        try:
            return msgspec.json.encode(make()) + b"\n"
        except Exception as error:  # one line that cannot be made must not end the log of all others
            self._count(0, 1, f"a line could not be made: {type(error).__name__}: {error}")
            return b""

    def _append(self, path: Path, lines: list[bytes]) -> None:
        """What a full disk leaves half written ends the line there; the next one begins on a line of its own."""
        torn = b"\n" if path in self._torn else b""
        data, done = torn + b"".join(lines), 0
        try:
            target = self._file(path)
            while done < len(data):
                done += os.write(target, data[done:])
        except OSError as error:
            self._shut()
            whole = _whole_lines(lines, done - len(torn))
            if done:
                self._torn.add(path)
            self._count(whole, len(lines) - whole, f"{path} cannot be written: {error.strerror}")
        else:
            self._torn.discard(path)
            self._count(len(lines), 0, "")

    def _file(self, path: Path) -> int:
        """Open for appending, and made again if somebody has removed it."""
        if self._open is None or self._open[0] != path or not os.fstat(self._open[1]).st_nlink:
            self._shut()
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self._folder, path.parent):
                folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._open = (path, os.open(path, flags, FILE_MODE))
        return self._open[1]

    def _shut(self) -> None:
        if self._open is not None:
            with suppress(OSError):
                os.close(self._open[1])
            self._open = None

    def _count(self, written: int, lost: int, trouble: str) -> None:
        with self._lock:
            self._written += written
            self._lost += lost
            self._trouble = trouble or self._trouble


def _whole_lines(lines: list[bytes], written: int) -> int:
    """How many of the lines fit wholly into so many bytes."""
    ends = itertools.accumulate(len(line) for line in lines)
    return sum(end <= written for end in ends)
