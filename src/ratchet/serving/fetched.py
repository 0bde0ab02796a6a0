"""The folders that this process fetches models to: one per model, removed with it, or by the next server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "pull-"


class Fetched:
    """Numbered folders in `folder/pull-PID`; `kind` keeps those of several followers apart."""

    def __init__(self, folder: Path, kind: str = "") -> None:
        self._folder = folder
        self._mine = folder / f"{PREFIX}{os.getpid()}"
        self._kind = kind
        self._kept = 0

    @contextmanager
    def place(self) -> Iterator[Path]:
        """A new folder to fetch into. If the block fails it is removed, and the next one has its name again."""
        place = self._mine / f"{self._kind}{self._kept}"
        place.mkdir(parents=True)
        try:
            yield place
        except BaseException:
            remove(place)
            raise
        self._kept += 1

    def sweep(self) -> None:
        """Remove what servers that were killed have left."""
        for left in self._folder.glob(f"{PREFIX}*"):
            try:
                os.kill(int(left.name.partition("-")[2]), 0)
            except (ValueError, OverflowError, ProcessLookupError):
                shutil.rmtree(left, ignore_errors=True)
            except PermissionError:  # somebody else's process, alive
                continue


def remove(place: Path) -> None:
    """Remove a folder, and the one around it once it is empty."""
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # another model's folder is still in it
        place.parent.rmdir()
