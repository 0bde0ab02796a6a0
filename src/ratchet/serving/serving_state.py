"""The references that requests answer from, and that the watchers swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ratchet.serving.predictor import Predictor
from ratchet.serving.refusal import RequestRefused
from ratchet.serving.trial import Trial

NOTHING_YET = "no champion has been promoted yet"
NEXT = "ratchet run, then ratchet promote; the server follows the ledger and needs no restart"


@dataclass
class ServingState:
    """What serves, what is on trial beside it, and how following the ledger goes.

    Each field is replaced as a whole and only by its watcher, so readers need no lock.
    """

    predictor: Predictor | None = None
    trouble: str = ""
    """Why the newest champion is not the one that serves; empty when it is, or when there is none."""
    checked: str = ""
    """When the ledger was last asked, whatever it said: ISO 8601, UTC."""

    head: tuple[str | None, float] = (None, 0.0)
    """The ledger as the watcher last saw it, and when it asked, by the monotonic clock."""
    trial: Trial | None = None
    trial_trouble: str = ""
    """Why a version that should be on trial is not; empty when there is none, or it is."""

    def serving(self) -> Predictor:
        """The predictor to answer one whole request from. Raises RequestRefused with status 503 if there is none."""
        predictor = self.predictor
        if predictor is None:
            raise RequestRefused(self.trouble or NOTHING_YET, next_step=NEXT, status=503)
        return predictor

    def health(self) -> dict[str, Any]:
        """Which version serves, what hinders a newer one, why it takes no raw rows if it takes none, and any trial.

        Raises RequestRefused with status 503 if none serves.
        """
        predictor = self.serving()
        return {
            "status": "ok",
            **predictor.names,
            "since": predictor.champion.time,
            "checked": self.checked,
            "trouble": self.trouble or None,
            "raw_trouble": predictor.raw.reason or None,
            "trial": self.trial.health(predictor) if self.trial else None,
            "trial_trouble": self.trial_trouble or None,
        }
