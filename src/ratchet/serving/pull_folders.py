"""The folders that this server pulls models to: one per model, removed with it, or by the next server.

Several servers may share the folder, also from containers that do not see each other's processes: each keeps a lock on
each of its folders as long as it lives, and sweeps away only what nobody has locked. Where the file system has no
locks, nothing is swept.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PREFIX = "pull-"


@dataclass(frozen=True)
class PullFolder:
    """A folder to pull into, which is this server's until it is removed."""

    path: Path
    lock: int | None

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


class PullFolders:
    """Makes folders in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = secrets.token_hex(4)
        self._kept = 0

    @contextmanager
    def new(self) -> Iterator[PullFolder]:
        """A new folder to pull into. If the block fails it is removed, and the next one has its name again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{PREFIX}{self._server}-{self._kept}"
        with _locked(self._folder):
            path.mkdir(mode=0o700)
            made = PullFolder(path, _lock(path))
        try:
            yield made
        except BaseException:
            made.remove()
            raise
        self._kept += 1

    def sweep(self) -> None:
        """Remove what servers that were killed have left."""
        if not self._folder.is_dir():
            return
        with _locked(self._folder):
            for path in self._folder.glob(f"{PREFIX}*"):
                lock = _lock(path)
                if lock is not None:
                    PullFolder(path, lock).remove()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Between making a folder and locking it nobody may sweep."""
    target = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # it has no locks
            fcntl.flock(target, fcntl.LOCK_EX)
        yield
    finally:
        os.close(target)


def _lock(path: Path) -> int | None:
    """None if a server that lives has it, it is somebody else's, or there are no locks."""
    try:
        target = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(target)
        return None
    return target
