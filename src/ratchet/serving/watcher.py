"""Following the ledger: fetch, verify, try, and only then swap. Whatever goes wrong, the old champion serves on."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ratchet.errors import RatchetError, TamperedFile
from ratchet.serving.holder import Holder
from ratchet.serving.predictor import Predictor
from ratchet.serving.source import ChampionSource

logger = logging.getLogger("ratchet.serving")

LONGEST_PAUSE = 30.0
"""Seconds between polls at most, however often following failed: a pull that fails is not for free."""
STOP_SECONDS = 5.0


class Watcher:
    """Asks `source` every `poll_seconds` and puts each new champion into `holder`, by way of a folder in `folder`."""

    def __init__(self, source: ChampionSource, holder: Holder, *, folder: Path, poll_seconds: float) -> None:
        self._source = source
        self._holder = holder
        self._fetched = folder / f"pull-{os.getpid()}"
        self._loaded = 0
        _sweep(folder)
        self._poll_seconds = poll_seconds
        self._head: str | None = None
        self._failures = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def check(self) -> None:
        """Ask once, and swap if there is a new champion. Failures go to the holder and, the first time, to the log."""
        try:
            self._follow(self._source.head())
        except Exception as error:  # the reload loop: nothing that is wrong with a new champion may stop the old one
            self._failed(error)
        else:
            self._failures = 0
            self._holder.trouble = ""
        self._holder.checked = datetime.now(UTC).isoformat(timespec="seconds")

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

    def _follow(self, head: str | None) -> None:
        if head == self._head:
            return
        if head is None:
            raise TamperedFile(
                "the ledger that this server followed is gone", next_step="restore the ledger branch from another clone"
            )
        self._replace(self._pulled())
        self._head = head

    def _pulled(self) -> Predictor:
        place = self._fetched / str(self._loaded)
        place.mkdir(parents=True)
        try:
            into = place / "champion"
            self._source.pull(into)
            loaded = Predictor.load(into)
        except BaseException:
            _remove(place)
            raise
        loaded.when_done(partial(_remove, place))
        self._loaded += 1
        return loaded

    def _replace(self, new: Predictor) -> None:
        old = self._holder.predictor
        if old is not None:
            if new.champion.hash == old.champion.hash:
                return
            _check_forward(old, new)
        new.check()
        self._holder.predictor = new
        logger.info("version %s of %s serves", new.champion.version, new.champion.model)
        if new.raw.reason:
            logger.warning("version %s answers POST /predict/raw with 501: %s", new.champion.version, new.raw.reason)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        trouble = error.message if isinstance(error, RatchetError) else f"{type(error).__name__}: {error}"
        if trouble != self._holder.trouble and not self._stopping.is_set():
            expected = isinstance(error, RatchetError)
            logger.warning("the newest champion is not served: %s", error, exc_info=None if expected else error)
        self._holder.trouble = trouble


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # another champion's folder is still in it
        place.parent.rmdir()


def _sweep(folder: Path) -> None:
    """Remove what servers that were killed have left."""
    for left in folder.glob("pull-*"):
        try:
            os.kill(int(left.name.partition("-")[2]), 0)
        except (ValueError, OverflowError, ProcessLookupError):
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:  # somebody else's process, alive
            continue


def _check_forward(old: Predictor, new: Predictor) -> None:
    if new.champion.sequence <= old.champion.sequence:
        raise TamperedFile(
            f"the ledger went back from entry {old.champion.sequence} to entry {new.champion.sequence}, "
            "or rewrote it: nothing was swapped",
            next_step="compare the ledger branch with another clone; a rollback is an entry of its own",
        )
