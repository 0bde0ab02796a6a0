"""Servers that outlive the command that starts them, and are found again by the next one.

A server holds a lock on a file for as long as it lives: a process number alone may belong to another by now.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.errors import ServiceFailed

START_SECONDS = 120.0
"""A first start makes sixty tables, on a busy machine."""
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.1
LOG_LINES = 12
OTHER_PORT = "end what listens there; or another port: make services PORT=5001, or in ports.json beside the data"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server called `name`, with its log and its lock in `folder`."""

    name: str
    folder: Path

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Its process number; whoever holds the lock on it is that process."""
        return self.folder / f"{self.name}.pid"

    def start(self, command: Sequence[str], environment: Mapping[str, str], port: int) -> None:
        """Start it, to listen on `port` among others, in a session of its own: a Ctrl-C here does not end it there.

        Raises ServiceFailed if somebody else listens there.
        """
        if listens(port):
            raise ServiceFailed(f"{self.name}: port {port} of 127.0.0.1 is taken", next_step=OTHER_PORT)
        lock = os.open(self.pid_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    command,
                    env=dict(environment),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[lock],
                )
            os.ftruncate(lock, 0)
            os.write(lock, str(process.pid).encode())
            # It goes on without us, which subprocess would else complain about.
            process.returncode = 0
        except FileNotFoundError as error:
            raise ServiceFailed(f"{self.name}: {command[0]} is not here", next_step="make setup") from error
        finally:
            os.close(lock)

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        try:
            lock = os.open(self.pid_file, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(lock, 20) or 0) or None
        finally:
            os.close(lock)
        return None

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """End it and whatever it started; what has not gone after `patience` seconds is killed."""
        pid = self.pid
        if pid is None:
            return
        _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while self.pid and time.monotonic() < deadline:
            _reap(pid, os.WNOHANG)
            time.sleep(LOOK_SECONDS)
        _signal(pid, signal.SIGKILL)
        _reap(pid, 0)

    def wait(self, answers: Callable[[], bool]) -> None:
        """Wait until it answers. Raises ServiceFailed with the end of its log if it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if self.pid is None or time.monotonic() > deadline:
                how = "ended" if self.pid is None else f"did not answer within {START_SECONDS:.0f} seconds"
                raise ServiceFailed(f"{self.name} {how}; its log ends:\n{self._end()}", next_step=f"read {self.log}")
            time.sleep(LOOK_SECONDS)

    def _end(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-LOG_LINES:])


def listens(port: int) -> bool:
    """Whether anybody listens on this port of the loopback."""
    with socket.socket() as asked:
        asked.settimeout(1)
        return asked.connect_ex(("127.0.0.1", port)) == 0


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def _reap(pid: int, options: int) -> None:
    """Take note of the end of a child, which else stays in the list of processes."""
    try:
        os.waitpid(pid, options)
    except ChildProcessError:
        return
