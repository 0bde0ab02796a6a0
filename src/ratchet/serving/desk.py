"""Who answers a request, who scores it as well, and what is written down of it.

The champion scores every request, and its refusals hold for all. In a shadow the version on trial scores the same rows
once the answer is out. A canary scores its share as well, and answers if it is in time; otherwise the champion does, so
that a trial never costs an answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ratchet.io.prediction_log import Arm, Prediction, Scored
from ratchet.io.prediction_writer import PredictionWriter
from ratchet.serving.aside import Aside
from ratchet.serving.predictor import Predictor
from ratchet.serving.questions import Question
from ratchet.serving.trial import Outcome, Trial

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores
    from ratchet.serving.notes import Note

BEHIND = "the server is busy: too much waits for the version on trial already"
CLOSING = 4
"""A canary's queue is this many times as long as it has threads: who waits longer is better served by the champion."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the endpoints hand it over; `client` is what its caller calls itself, if it does."""

    question: Question
    endpoint: str
    client: str = ""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Whose scores the caller gets, under which id, and what is to be done once the answer is out."""

    predictor: Predictor
    scores: Scores
    notes: list[Note]
    prediction_id: str = ""
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What the champion made of a request, without its rows."""

    prediction_id: str
    endpoint: str
    moment: datetime
    champion: Predictor
    scores: Scores
    notes: list[Note]
    ms: float


@dataclass(frozen=True)
class _Begun:
    """What a canary was asked, since when, and what is to come of it."""

    start: float
    outcome: Future[Outcome]


@dataclass(frozen=True)
class _Tried:
    """What became of a request on trial, and as what it was answered."""

    trial: Trial
    outcome: Outcome
    arm: Arm


class Desk:
    """Answers for one server; `log` None writes nothing down, and tries nothing."""

    def __init__(self, log: PredictionWriter | None = None, *, log_inputs: bool = False) -> None:
        self.log = log
        self._log_inputs = log_inputs
        threads = (os.cpu_count() or 1) if log else 0
        self._canaries = Aside("canary", threads=threads, most_jobs=CLOSING * threads)
        self._shadows = Aside("shadow", threads=min(threads, 1))

    def answer(self, asked: Asked, champion: Predictor, trial: Trial | None) -> Answered:
        """Have it scored, and written down. Raises RequestRefused where the champion does."""
        if self.log is None:
            scores, notes = asked.question.score(champion)
            return Answered(predictor=champion, scores=scores, notes=notes)
        moment = datetime.now(UTC)
        prediction_id = self.log.next_id(moment)
        if trial is not None and trial.version == champion.champion.version:
            trial = None  # it was promoted a moment ago
        canary = trial if trial and trial.trusted and trial.answers(asked.client or prediction_id) else None
        # Rooms work in processes of their own, at the same time; two models in one process only take turns.
        begun = self._begin(canary, asked.question) if canary and asked.question.apart else None
        start = time.perf_counter()
        scores, notes = asked.question.score(champion)
        request = _Request(
            prediction_id=prediction_id, endpoint=asked.endpoint, moment=moment, champion=champion, scores=scores,
            notes=notes, ms=round(1000 * (time.perf_counter() - start), 3),
        )  # fmt: skip
        if canary is not None:
            begun = begun or self._begin(canary, asked.question)
            return self._by_canary(request, asked.question, canary, begun)
        if trial is None or (trial.plan.phase == "canary" and not trial.answers(asked.client or prediction_id)):
            self._write(request, asked.question)
            return _champions(request)
        return self._beside(request, asked.question, trial)

    def health(self) -> dict[str, Any] | None:
        """How the log goes; None where there is none."""
        return None if self.log is None else self.log.health()

    def close(self) -> None:
        """Finish what was begun, and write it down."""
        self._canaries.close()
        self._shadows.close()
        if self.log is not None:
            self.log.close()

    def _begin(self, trial: Trial, question: Question) -> _Begun:
        """Have the canary score the rows in a thread that may be left alone; skipped if there is no room."""
        begun = _Begun(time.perf_counter(), Future())
        if not self._canaries.submit(lambda: begun.outcome.set_result(trial.ask(question)), values=question.size()):
            begun.outcome.set_result(Outcome(skipped=BEHIND))
        return begun

    def _by_canary(self, request: _Request, question: Question, trial: Trial, begun: _Begun) -> Answered:
        left = trial.longest(request.ms) - (time.perf_counter() - begun.start)
        try:
            outcome = begun.outcome.result(max(left, 0.0))
        except TimeoutError:
            outcome = trial.too_slow(request.ms)
        trial.count(outcome, len(request.scores))
        self._write(request, question, _Tried(trial, outcome, "champion" if outcome.scores is None else "canary"))
        if outcome.scores is None:
            return _champions(request)
        return Answered(
            predictor=trial.predictor, scores=outcome.scores, notes=outcome.notes, prediction_id=request.prediction_id
        )

    def _beside(self, request: _Request, question: Question, trial: Trial) -> Answered:
        """The champion answers; in a shadow, and where a canary has lost its trust, the trial scores afterwards."""

        def tell(outcome: Outcome) -> None:
            trial.count(outcome, len(request.scores))
            self._write(request, question, _Tried(trial, outcome, "champion"))

        def afterwards() -> None:
            if not self._shadows.submit(
                lambda: tell(trial.in_time(trial.ask(question), request.ms)), values=question.size()
            ):
                tell(Outcome(skipped=BEHIND))

        return _champions(request, afterwards)

    def _write(self, request: _Request, question: Question, tried: _Tried | None = None) -> None:
        """Have the line written. What waits for the disk keeps the rows only if they are to be logged."""
        if self.log is None:
            return
        rows = question if self._log_inputs else None
        values = request.scores.size * (1 if tried is None else 2) + (rows.size() if rows else 0)
        self.log.put(request.prediction_id, lambda: _line(request, tried, rows), values=values)


def _line(request: _Request, tried: _Tried | None, rows: Question | None) -> Prediction:
    champion = request.champion
    by_canary = tried is not None and tried.arm == "canary"
    return Prediction(
        id=request.prediction_id,
        time=request.moment.isoformat(timespec="milliseconds"),
        model=champion.champion.model,
        version=tried.trial.version if tried and by_canary else champion.champion.version,
        arm="canary" if by_canary else "champion",
        endpoint=request.endpoint,
        rows=len(request.scores),
        champion=_scored(champion, Outcome(ms=request.ms, scores=request.scores)),
        trial=_scored(tried.trial.predictor, tried.outcome) if tried else None,
        phase=tried.trial.plan.phase if tried else "",
        inputs=rows.inputs() if rows else None,
    )


def _champions(request: _Request, afterwards: Callable[[], None] | None = None) -> Answered:
    return Answered(
        predictor=request.champion,
        scores=request.scores,
        notes=request.notes,
        prediction_id=request.prediction_id,
        afterwards=afterwards,
    )


def _scored(predictor: Predictor, outcome: Outcome) -> Scored:
    return Scored(
        version=predictor.champion.version,
        ms=outcome.ms,
        scores=[] if outcome.scores is None else outcome.scores.tolist(),
        labels=[] if outcome.scores is None else list(predictor.record.labels),
        error=outcome.error,
        skipped=outcome.skipped,
    )
