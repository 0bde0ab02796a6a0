"""Watching the ledger in a thread: looked at again and again, more slowly as long as that fails."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from ratchet.errors import RatchetError
from ratchet.serving.pull_folders import PullFolders
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource

logger = logging.getLogger("ratchet.serving")

LONGEST_PAUSE = 30.0
"""Seconds between checks at most, however often they failed: a pull that fails is not for free."""
STOP_SECONDS = 5.0


class LedgerWatcher(ABC):
    """Checks every `poll_seconds` once it is started, and puts what is new into `state`.

    Models are pulled into folders in `folder`. What goes wrong is told, logged once, and tried again.
    """

    name: ClassVar[str]
    hindered: ClassVar[str]
    """What trouble means, for the log."""

    def __init__(self, source: ModelSource, state: ServingState, *, folder: Path, poll_seconds: float) -> None:
        self._source = source
        self._state = state
        self._folders = PullFolders(folder)
        self._poll_seconds = poll_seconds
        self._head: str | None = None
        """The ledger as it was when what is in `state` was pulled."""
        self._failures = 0
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    @abstractmethod
    def follow(self) -> None:
        """Look, and take over what is new. Raises whatever went wrong; nothing was changed then."""

    @abstractmethod
    def tell(self, trouble: str) -> None:
        """Say how the last look went; an empty `trouble` is none."""

    def check(self) -> None:
        """Follow once."""
        try:
            self.follow()
        except Exception as error:  # the reload loop: nothing that is wrong with what is new may stop what serves
            self._failed(error)
        else:
            self._failures, self._trouble = 0, ""
        self.tell(self._trouble)

    def start(self) -> None:
        """Check again and again in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End a pull that is under way, and the thread."""
        self._stopping.set()
        self._source.cancel()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def pause(self) -> float:
        """Seconds until the next check: doubled by each failure in a row."""
        return min(self._poll_seconds * 2.0 ** min(self._failures, 16), max(LONGEST_PAUSE, self._poll_seconds))

    def _run(self) -> None:
        while not self._stopping.wait(self.pause()):
            self.check()

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        trouble = error.message if isinstance(error, RatchetError) else f"{type(error).__name__}: {error}"
        if trouble != self._trouble and not self._stopping.is_set():
            expected = isinstance(error, RatchetError)
            logger.warning("%s: %s", self.hindered, error, exc_info=None if expected else error)
        self._trouble = trouble
