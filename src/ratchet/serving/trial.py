"""A version on trial: loaded beside the champion, asked without ever being trusted, and counted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratchet.core.trials import TrialPlan, answers
from ratchet.errors import RatchetError
from ratchet.serving.predictor import Predictor
from ratchet.serving.questions import NotAsked, Question

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores
    from ratchet.serving.notes import Note

PATIENCE = 5
"""After so many failures in a row a canary is asked for no more answers, until it has scored a request aside."""
SLOWER = 3.0
"""Times the champion's time, within which a version on trial is not too slow, whatever serve.trial_seconds says."""
WORDS = 300
"""Characters of an error that are kept."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of asking a version on trial: scores, or why it failed, or why it was not asked."""

    ms: float = 0.0
    scores: Scores | None = None
    notes: list[Note] = field(default_factory=list)
    error: str = ""
    skipped: str = ""


class Trial:
    """One version on trial. Safe to use from several threads."""

    def __init__(self, plan: TrialPlan, predictor: Predictor, *, seconds: float) -> None:
        self.plan = plan
        self.predictor = predictor
        self.seconds = seconds
        self._lock = threading.Lock()
        self._rows = {"scored": 0, "failed": 0, "not_scored": 0}
        self._failures = 0
        self._last_error = self._last_skipped = ""

    @property
    def version(self) -> int:
        """Its number."""
        return self.plan.entry.version

    @property
    def trusted(self) -> bool:
        """Whether a canary may be waited for: it has not failed several times in a row."""
        return self._failures < PATIENCE

    def answers(self, key: str) -> bool:
        """Whether it is to answer whoever has this key."""
        return self.plan.phase == "canary" and answers(key, version=self.version, share=self.plan.share)

    def ask(self, question: Question) -> Outcome:
        """Its scores, or what went wrong, whatever that is."""
        start = time.perf_counter()
        try:
            scores, notes = question.score_on_trial(self.predictor)
        except NotAsked as lacking:
            return Outcome(skipped=f"{lacking}"[:WORDS])
        except Exception as error:  # an unproven model may do anything; the champion answers
            words = error.message if isinstance(error, RatchetError) else f"{type(error).__name__}: {error}"
            return Outcome(ms=_ms(start), error=words[:WORDS])
        return Outcome(ms=_ms(start), scores=scores, notes=notes)

    def longest(self, champion_ms: float) -> float:
        """Seconds that it may take for a request that took the champion so long: a large one takes both long."""
        return max(self.seconds, SLOWER * champion_ms / 1000)

    def in_time(self, outcome: Outcome, champion_ms: float) -> Outcome:
        """The outcome, or the failure that it is if it came too late."""
        late = outcome.scores is not None and outcome.ms > 1000 * self.longest(champion_ms)
        return self.too_slow(champion_ms) if late else outcome

    def too_slow(self, champion_ms: float) -> Outcome:
        """What it is when it was waited for in vain, or came too late."""
        longest = self.longest(champion_ms)
        return Outcome(ms=round(1000 * longest, 3), error=f"took longer than {longest:g} s (serve.trial_seconds)")

    def count(self, outcome: Outcome, rows: int) -> None:
        """Remember what became of a request of so many rows."""
        with self._lock:
            if outcome.skipped:
                self._rows["not_scored"] += rows
                self._last_skipped = outcome.skipped
            elif outcome.error:
                self._rows["failed"] += rows
                self._failures += 1
                self._last_error = outcome.error
            else:
                self._rows["scored"] += rows
                self._failures = 0

    def health(self) -> dict[str, Any]:
        """What is on trial, and its rows in this process so far."""
        with self._lock:
            return {
                "version": self.version,
                "phase": self.plan.phase,
                "since": self.plan.since,
                "share": self.plan.share or None,
                **self._rows,
                "last_error": self._last_error or None,
                "not_scored_because": self._last_skipped or None,
                "raw_trouble": self.predictor.raw.reason or None,
            }


def _ms(start: float) -> float:
    return round(1000 * (time.perf_counter() - start), 3)
