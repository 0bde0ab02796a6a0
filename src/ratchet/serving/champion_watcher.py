"""Following the champion: fetch, verify, try, and only then swap. Whatever goes wrong, the old one serves on."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from ratchet.errors import TamperedFile
from ratchet.serving.ledger_watcher import LedgerWatcher
from ratchet.serving.predictor import Predictor

logger = logging.getLogger("ratchet.serving")


class ChampionWatcher(LedgerWatcher):
    """Asks the ledger for its head, and swaps the champion."""

    name = "champion watcher"
    hindered = "the newest champion is not served"

    def tell(self, trouble: str) -> None:
        """Put it where /health finds it."""
        self._state.trouble = trouble
        self._state.checked = datetime.now(UTC).isoformat(timespec="seconds")

    def follow(self) -> None:
        """Ask once, and swap if there is a new champion."""
        asked = time.monotonic()
        head = self._source.head()
        self._state.head = (head, asked)
        if head == self._head:
            return
        if head is None:
            raise TamperedFile(
                "the ledger that this server followed is gone", next_step="restore the ledger branch from another clone"
            )
        self._replace(self._pulled())
        self._head = head

    def _pulled(self) -> Predictor:
        with self._folders.new() as place:
            into = place.path / "champion"
            self._source.pull(into)
            loaded = Predictor.load(into)
        loaded.when_done(place.remove)
        return loaded

    def _replace(self, new: Predictor) -> None:
        old = self._state.predictor
        if old is not None:
            if new.champion.hash == old.champion.hash:
                return
            _check_forward(old, new)
        new.check()
        self._state.predictor = new
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
