"""A version on trial: loaded beside the champion, asked without ever being trusted, and counted.

It is asked in threads of its own, so that a version that hangs hangs alone: the next one has other threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratchet.core.trials import TrialPlan, answers
from ratchet.errors import RatchetError
from ratchet.serving.bounded_executor import BoundedExecutor, GivenUp, Job
from ratchet.serving.payloads import FeaturePayload, IncompatiblePayload, Payload, RawPayload
from ratchet.serving.predictor import Predictor

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores
    from ratchet.serving.notes import Note

PATIENCE = 5
"""After so many failures in a row a canary is asked for no more answers, until it has scored a request aside."""
SLOWER = 3.0
"""Times the champion's time, within which a version on trial is not too slow, whatever serve.trial_seconds says."""
QUEUE = 4
"""A canary's queue is this many times as long as it has threads: who waits longer is better served by the champion."""
STALE_SECONDS = 120.0
"""After so long without the ledger a canary answers nobody: whether somebody took it off trial is not known."""
WORDS = 300
"""Characters of an error that are kept."""
BEHIND = "the server is busy: too much waits for the version on trial already"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of asking a version on trial: scores, or why it failed, or why it was not asked."""

    ms: float = 0.0
    scores: Scores | None = None
    notes: list[Note] = field(default_factory=list)
    error: str = ""
    skipped: str = ""


class Trial:
    """One version on trial. Safe to use from several threads.

    `stale_seconds` after the ledger was last known to have it on trial, it answers nobody.
    """

    def __init__(
        self, plan: TrialPlan, predictor: Predictor, *, seconds: float, stale_seconds: float = STALE_SECONDS
    ) -> None:
        self.plan = plan
        self.predictor = predictor
        self.seconds = seconds
        self._stale_seconds = stale_seconds
        self._confirmed = time.monotonic()
        # As many as requests are worked on at once: a canary waits for its own former requests alone.
        threads = FeaturePayload.threads + RawPayload.threads
        self._canaries = BoundedExecutor("canary", threads=threads, most_jobs=QUEUE * threads)
        self._shadows = BoundedExecutor("shadow", threads=1)
        self._lock = threading.Lock()
        self._rows = {"scored": 0, "failed": 0, "not_scored": 0}
        self._failures = 0
        self._last_error = self._last_skipped = ""

    @property
    def version(self) -> int:
        """Its number."""
        return self.plan.entry.version

    def confirm(self, moment: float) -> None:
        """At `moment` (of the monotonic clock) the ledger had it on trial."""
        self._confirmed = moment

    def distrust(self) -> str:
        """Why a canary may answer nobody just now; empty if it may."""
        unknown = time.monotonic() - self._confirmed
        if unknown >= self._stale_seconds:
            return f"the ledger was last seen {unknown:.0f} s ago: whether it is still on trial is not known"
        if self._failures >= PATIENCE:
            return f"it failed {self._failures:,} times in a row: it answers again once it has scored a request aside"
        return ""

    def beside(self, champion: Predictor) -> bool:
        """Whether this is the champion that it is to be compared with.

        It is not where the version on trial was promoted a moment ago, or where a new champion could not be fetched.
        """
        return self.plan.entry.champion == champion.champion.version

    def tries(self, key: str) -> bool:
        """Whether it scores the request of whoever has this key: all in a shadow, its share in a canary."""
        return self.plan.phase == "shadow" or answers(key, version=self.version, share=self.plan.share)

    def answers(self, key: str) -> bool:
        """Whether it is to answer whoever has this key."""
        return self.plan.phase == "canary" and self.tries(key) and not self.distrust()

    def begin(self, payload: Payload) -> Job[Outcome] | None:
        """Have it score in a thread that may be left alone; None if there is no room."""
        return self._canaries.submit(lambda: self.ask(payload), values=payload.size())

    def wait(self, job: Job[Outcome] | None, champion_ms: float) -> Outcome:
        """What came of it in time, or the failure that it is if nothing did."""
        if job is None:
            return Outcome(skipped=BEHIND)
        try:
            return job.future.result(max(self._longest(champion_ms) - job.seconds(), 0.0))
        except (TimeoutError, CancelledError):
            job.future.cancel()
            return self._too_slow(champion_ms)

    def score_beside(self, payload: Payload, champion_ms: float, tell: Callable[[Outcome], None]) -> None:
        """Have it score when it can; `tell` is called once, in whichever thread, whatever becomes of it."""
        job = self._shadows.submit(lambda: self.in_time(self.ask(payload), champion_ms), values=payload.size())
        if job is None:
            tell(Outcome(skipped=BEHIND))
            return

        def ended(future: Future[Outcome]) -> None:
            given_up = None if future.cancelled() else future.exception()
            if isinstance(given_up, GivenUp) and given_up.seconds > self._longest(champion_ms):
                tell(self._too_slow(champion_ms))
            else:  # nobody began with it, or the server ended
                tell(Outcome(skipped=BEHIND) if given_up or future.cancelled() else future.result())

        job.future.add_done_callback(ended)

    def ask(self, payload: Payload) -> Outcome:
        """Its scores, or what went wrong, whatever that is."""
        start = time.perf_counter()
        try:
            scores, notes = payload.score_on_trial(self.predictor)
        except IncompatiblePayload as lacking:
            return Outcome(skipped=f"{lacking}"[:WORDS])
        except BaseException as error:  # an unproven model may do anything; the champion answers
            words = error.message if isinstance(error, RatchetError) else f"{type(error).__name__}: {error}"
            return Outcome(ms=_ms(start), error=words[:WORDS])
        return Outcome(ms=_ms(start), scores=scores, notes=notes)

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

    def health(self, champion: Predictor) -> dict[str, Any]:
        """What is on trial, its rows in this process so far, and why it is not asked, or answers nobody, if so."""
        other = f"it is to be compared with version {self.plan.entry.champion or 'none'}, which does not serve here"
        distrust = self.distrust() if self.plan.phase == "canary" else ""
        with self._lock:
            return {
                "version": self.version,
                "phase": self.plan.phase,
                "since": self.plan.since,
                "share": self.plan.share or None,
                **self._rows,
                "last_error": self._last_error or None,
                "not_scored_because": self._last_skipped or None,
                "suspended": (distrust if self.beside(champion) else other) or None,
                "raw_trouble": self.predictor.raw.reason or None,
            }

    def close(self) -> None:
        """Finish what was begun, as far as that goes in a moment, and tell what became of the rest."""
        self._canaries.close()
        self._shadows.close()

    def _longest(self, champion_ms: float) -> float:
        """Seconds that it may take for a request that took the champion so long: a large one takes both long."""
        return max(self.seconds, SLOWER * champion_ms / 1000)

    def in_time(self, outcome: Outcome, champion_ms: float) -> Outcome:
        """The outcome, or the failure that it is if it came too late."""
        late = outcome.scores is not None and outcome.ms > 1000 * self._longest(champion_ms)
        return self._too_slow(champion_ms) if late else outcome

    def _too_slow(self, champion_ms: float) -> Outcome:
        longest = self._longest(champion_ms)
        return Outcome(ms=round(1000 * longest, 3), error=f"took longer than {longest:g} s (serve.trial_seconds)")


def _ms(start: float) -> float:
    return round(1000 * (time.perf_counter() - start), 3)
