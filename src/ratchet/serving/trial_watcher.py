"""Following what is on trial: fetched, verified and tried like a champion, in a thread that no champion waits for."""

from __future__ import annotations

import logging
from pathlib import Path

from ratchet.io.trial_folder import MODEL, read_plan
from ratchet.serving.ledger_watcher import LedgerWatcher
from ratchet.serving.predictor import Predictor
from ratchet.serving.serving_state import ServingState
from ratchet.serving.source import ModelSource
from ratchet.serving.trial import STALE_SECONDS, Trial

logger = logging.getLogger("ratchet.serving")

STALE_POLLS = 3
"""So often the ledger is asked in vain before a canary is not trusted any more, where it is asked rarely."""


class TrialWatcher(LedgerWatcher):
    """Puts the version on trial into the state, whenever the ledger that the champion's watcher saw has moved."""

    name = "trial watcher"
    hindered = "the version on trial is not tried"

    def __init__(
        self, source: ModelSource, state: ServingState, *, folder: Path, poll_seconds: float, trial_seconds: float
    ) -> None:
        super().__init__(source, state, folder=folder, poll_seconds=poll_seconds)
        self._seconds = trial_seconds

    def tell(self, trouble: str) -> None:
        """Put it where /health finds it."""
        self._state.trial_trouble = trouble

    def follow(self) -> None:
        """See whether another version is on trial, or none any more."""
        head, asked = self._state.head
        if head is None:
            return
        if head != self._head:
            self._swap()
            self._head = head
        if self._state.trial is not None:
            self._state.trial.confirm(asked)

    def _swap(self) -> None:
        old, new = self._state.trial, None
        try:
            new = self._pulled(old)
        finally:
            # If the pull failed, whether the old one is still on trial is not known: it answers nobody until it is.
            self._state.trial = new
            if old is not None and old is not new:
                old.close()

    def _pulled(self, old: Trial | None) -> Trial | None:
        with self._folders.new() as place:
            into = place.path / "trial"
            self._source.pull_trial(into)
            plan = read_plan(into)
            if plan is None or (old is not None and old.plan == plan):
                place.remove()
                return old if plan else None
            loaded = Predictor.load_version(into / MODEL, plan.entry)
            loaded.check()
        loaded.when_done(place.remove)
        logger.info("version %s of %s is on trial: %s", plan.entry.version, plan.entry.model, plan.phase)
        stale = max(STALE_SECONDS, STALE_POLLS * self._poll_seconds)
        return Trial(plan, loaded, seconds=self._seconds, stale_seconds=stale)
