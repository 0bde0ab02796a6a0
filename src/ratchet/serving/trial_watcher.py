"""Following what is on trial: fetched, verified and tried like a champion, in a thread that no champion waits for."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from ratchet.io.trial_folder import MODEL, read_plan
from ratchet.serving.fetched import Fetched, remove
from ratchet.serving.follower import Follower
from ratchet.serving.holder import Holder
from ratchet.serving.predictor import Predictor
from ratchet.serving.source import ChampionSource
from ratchet.serving.trial import Trial

logger = logging.getLogger("ratchet.serving")


class TrialWatcher(Follower):
    """Puts the version on trial into `holder`, whenever the ledger that the champion's watcher saw has moved."""

    hindered = "the version on trial is not tried"

    def __init__(
        self, source: ChampionSource, holder: Holder, *, folder: Path, poll_seconds: float, trial_seconds: float
    ) -> None:
        super().__init__("trial watcher", poll_seconds=poll_seconds)
        self._source = source
        self._holder = holder
        self._fetched = Fetched(folder, "trial-")
        self._seconds = trial_seconds
        self._head: str | None = None

    def stop(self) -> None:
        """End a pull that is under way, and the thread."""
        self._stopping.set()
        self._source.cancel()
        super().stop()

    def tell(self, trouble: str) -> None:
        """Put it where /health finds it."""
        self._holder.trial_trouble = trouble

    def follow(self) -> None:
        """See whether another version is on trial, or none any more."""
        head = self._holder.head
        if head == self._head or head is None:
            return
        try:
            self._holder.trial = self._pulled()
        except BaseException:
            # Whether the one before is still on trial is not known: it answers nobody until it is.
            self._holder.trial = None
            raise
        self._head = head

    def _pulled(self) -> Trial | None:
        with self._fetched.place() as place:
            into = place / "trial"
            self._source.pull_trial(into)
            plan = read_plan(into)
            old = self._holder.trial
            if plan is None or (old is not None and old.plan == plan):
                remove(place)
                return old if plan else None
            loaded = Predictor.load_trial(into / MODEL, plan.entry)
            loaded.check()
        loaded.when_done(partial(remove, place))
        logger.info("version %s of %s is on trial: %s", plan.entry.version, plan.entry.model, plan.phase)
        return Trial(plan, loaded, seconds=self._seconds)
