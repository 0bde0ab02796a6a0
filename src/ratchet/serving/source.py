"""Where the models that are served come from: the ledger says which, `ratchet champion pull` brings them.

The pull is a process of its own, so that the server never imports MLflow.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ratchet.errors import ServiceFailed
from ratchet.io.ledger import LedgerBranch

PULL_SECONDS = 600
"""A pull that takes longer is given up, and tried again at the next poll."""


class ModelSource(Protocol):
    """What the watchers follow."""

    def head(self) -> str | None:
        """A token that changes whenever the champion may have changed; None when nothing was ever promoted."""
        ...

    def pull(self, into: Path) -> None:
        """Write the serving champion's verified folder to `into`, which does not exist yet."""
        ...

    def pull_trial(self, into: Path) -> None:
        """Write what is on trial, verified, to `into`, which does not exist yet; `io.trial_folder` reads it."""
        ...

    def cancel(self) -> None:
        """End a pull that is under way in another thread; later ones fail."""
        ...


class LedgerSource:
    """The champion of the project that the ledger's `root` is in. Several threads may pull at once."""

    def __init__(self, ledger: LedgerBranch) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._pulling: list[subprocess.Popen[str]] = []
        self._cancelled = False

    def head(self) -> str | None:
        """The ledger branch's newest commit. Raises ServiceFailed if git cannot say."""
        return self._ledger.head()

    def pull(self, into: Path) -> None:
        """Run `ratchet champion pull`. Raises ServiceFailed with its last words."""
        self._run("champion", "pull", "--into", f"{into}")

    def pull_trial(self, into: Path) -> None:
        """Run `ratchet champion pull --trial`. Raises ServiceFailed with its last words."""
        self._run("champion", "pull", "--trial", "--into", f"{into}")

    def cancel(self) -> None:
        """End the pulls that are under way, and refuse the next."""
        with self._lock:
            self._cancelled = True
            for process in self._pulling:
                _end(process)

    def _run(self, *arguments: str) -> None:
        with self._start([sys.executable, "-m", "ratchet", *arguments]) as process:
            try:
                words, _ = process.communicate(timeout=PULL_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise _failed(f"took longer than {PULL_SECONDS} seconds") from error
            finally:
                _end(process)
                with self._lock:
                    self._pulling.remove(process)
        if process.returncode != 0:
            raise _failed(f"ended with {process.returncode}: {words.strip()[-2000:]}")

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._cancelled:
                raise _failed("was not started: the server is stopping")
            process = subprocess.Popen(
                command,
                cwd=self._ledger.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._pulling.append(process)
            return process


def _end(process: subprocess.Popen[str]) -> None:
    """Kill the process, which leads a group of its own, with whatever it started; nothing if it has ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failed(what: str) -> ServiceFailed:
    return ServiceFailed(f"ratchet champion pull {what}", next_step="run it by hand; the server tries again by itself")
