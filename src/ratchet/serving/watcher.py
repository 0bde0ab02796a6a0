"""Following the ledger: fetch, verify, try, and only then swap. Whatever goes wrong, the old champion serves on."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ratchet.errors import TamperedFile
from ratchet.serving.fetched import Fetched, remove
from ratchet.serving.follower import LONGEST_PAUSE as LONGEST_PAUSE  # noqa: PLC0414 - part of this file's names
from ratchet.serving.follower import Follower
from ratchet.serving.holder import Holder
from ratchet.serving.predictor import Predictor
from ratchet.serving.source import ChampionSource

logger = logging.getLogger("ratchet.serving")


class Watcher(Follower):
    """Asks `source` every `poll_seconds` and puts each new champion into `holder`, by way of a folder in `folder`."""

    hindered = "the newest champion is not served"

    def __init__(self, source: ChampionSource, holder: Holder, *, folder: Path, poll_seconds: float) -> None:
        super().__init__("watcher", poll_seconds=poll_seconds)
        self._source = source
        self._holder = holder
        self._fetched = Fetched(folder)
        self._fetched.sweep()
        self._head: str | None = None

    def stop(self) -> None:
        """End a pull that is under way, and the thread."""
        self._stopping.set()
        self._source.cancel()
        super().stop()

    def tell(self, trouble: str) -> None:
        """Put it where /health finds it."""
        self._holder.trouble = trouble
        self._holder.checked = datetime.now(UTC).isoformat(timespec="seconds")

    def follow(self) -> None:
        """Ask once, and swap if there is a new champion."""
        head = self._source.head()
        self._holder.head = head
        if head == self._head:
            return
        if head is None:
            raise TamperedFile(
                "the ledger that this server followed is gone", next_step="restore the ledger branch from another clone"
            )
        self._replace(self._pulled())
        self._head = head

    def _pulled(self) -> Predictor:
        with self._fetched.place() as place:
            into = place / "champion"
            self._source.pull(into)
            loaded = Predictor.load(into)
        loaded.when_done(partial(remove, place))
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


def _check_forward(old: Predictor, new: Predictor) -> None:
    if new.champion.sequence <= old.champion.sequence:
        raise TamperedFile(
            f"the ledger went back from entry {old.champion.sequence} to entry {new.champion.sequence}, "
            "or rewrote it: nothing was swapped",
            next_step="compare the ledger branch with another clone; a rollback is an entry of its own",
        )
