"""What becomes of a request for predictions: who answers it, who scores it as well, and what is written down of it.

The champion scores every request, and its refusals hold for all. In a shadow the version on trial scores the same rows
once the answer is out. A canary scores its share as well, and answers if it is in time; otherwise the champion does, so
that a trial never costs an answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ratchet.io.prediction_log import Arm, Prediction, Scored
from ratchet.io.prediction_writer import PredictionWriter
from ratchet.serving.bounded_executor import Job
from ratchet.serving.payloads import Payload
from ratchet.serving.predictor import Predictor
from ratchet.serving.trial import Outcome, Trial

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores
    from ratchet.serving.notes import Note


@dataclass(frozen=True, kw_only=True)
class PredictionRequest:
    """A request as the endpoints hand it over; `client` is what its caller calls itself, if it does."""

    payload: Payload
    endpoint: str
    client: str = ""


@dataclass(frozen=True, kw_only=True)
class PredictionResponse:
    """Whose scores the caller gets, under which id, and what is to be done once the answer is out."""

    predictor: Predictor
    scores: Scores
    notes: list[Note]
    prediction_id: str = ""
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True, kw_only=True)
class _ByChampion:
    """What the champion made of a request."""

    prediction_id: str
    endpoint: str
    moment: datetime
    champion: Predictor
    scores: Scores
    notes: list[Note]
    ms: float

    def response(self, afterwards: Callable[[], None] | None = None) -> PredictionResponse:
        """The champion's scores as the answer."""
        return PredictionResponse(
            predictor=self.champion,
            scores=self.scores,
            notes=self.notes,
            prediction_id=self.prediction_id,
            afterwards=afterwards,
        )


@dataclass(frozen=True)
class _OnTrial:
    """What became of a request on trial, and as what it was answered."""

    trial: Trial
    outcome: Outcome
    arm: Arm


class PredictionService:
    """Answers for one server; `log` None writes nothing down, and tries nothing."""

    def __init__(self, log: PredictionWriter | None = None, *, log_inputs: bool = False) -> None:
        self.log = log
        self._log_inputs = log_inputs

    def answer(self, request: PredictionRequest, champion: Predictor, trial: Trial | None) -> PredictionResponse:
        """Have it scored, and written down. Raises RequestRefused where the champion does."""
        if self.log is None:
            scores, notes = request.payload.score(champion)
            return PredictionResponse(predictor=champion, scores=scores, notes=notes)
        moment = datetime.now(UTC)
        prediction_id = self.log.next_id(moment)
        key = request.client or prediction_id
        if trial is None or not trial.beside(champion) or not trial.tries(key):
            scored = _scored_by(champion, request, prediction_id, moment)
            self._write(scored, request.payload)
            return scored.response()
        if trial.answers(key):
            return self._by_canary(request, champion, trial, (prediction_id, moment))
        scored = _scored_by(champion, request, prediction_id, moment)
        return self._by_champion(scored, request.payload, trial)

    def health(self) -> dict[str, Any] | None:
        """How the log goes; None where there is none."""
        return None if self.log is None else self.log.health()

    def close(self, trial: Trial | None = None) -> None:
        """Finish what was begun, with the version that is on trial last, and write it down."""
        if trial is not None:
            trial.close()
        if self.log is not None:
            self.log.close()

    def _by_canary(
        self, request: PredictionRequest, champion: Predictor, trial: Trial, named: tuple[str, datetime]
    ) -> PredictionResponse:
        payload = request.payload
        # Rooms work in processes of their own, at the same time; two models in one process only take turns.
        job = trial.begin(payload) if payload.out_of_process else None
        try:
            scored = _scored_by(champion, request, *named)
        except BaseException:
            _cancel(job)
            raise
        outcome = trial.wait(job if payload.out_of_process else trial.begin(payload), scored.ms)
        trial.count(outcome, len(scored.scores))
        self._write(scored, payload, _OnTrial(trial, outcome, "champion" if outcome.scores is None else "canary"))
        if outcome.scores is None:
            return scored.response()
        return PredictionResponse(
            predictor=trial.predictor, scores=outcome.scores, notes=outcome.notes, prediction_id=scored.prediction_id
        )

    def _by_champion(self, scored: _ByChampion, payload: Payload, trial: Trial) -> PredictionResponse:
        """In a shadow, and where a canary may answer nobody, the version on trial scores afterwards."""

        def tell(outcome: Outcome) -> None:
            trial.count(outcome, len(scored.scores))
            self._write(scored, payload, _OnTrial(trial, outcome, "champion"))

        return scored.response(afterwards=lambda: trial.score_beside(payload, scored.ms, tell))

    def _write(self, scored: _ByChampion, payload: Payload, on_trial: _OnTrial | None = None) -> None:
        """Have the line written. What waits for the disk keeps the rows only if they are to be logged."""
        if self.log is None:
            return
        rows = payload if self._log_inputs else None
        values = scored.scores.size * (1 if on_trial is None else 2) + (rows.size() if rows else 0)
        self.log.put(scored.prediction_id, lambda: _line(scored, on_trial, rows), values=values)


def _scored_by(champion: Predictor, request: PredictionRequest, prediction_id: str, moment: datetime) -> _ByChampion:
    start = time.perf_counter()
    scores, notes = request.payload.score(champion)
    return _ByChampion(
        prediction_id=prediction_id,
        endpoint=request.endpoint,
        moment=moment,
        champion=champion,
        scores=scores,
        notes=notes,
        ms=round(1000 * (time.perf_counter() - start), 3),
    )


def _cancel(job: Job[Outcome] | None) -> None:
    if job is not None:
        job.future.cancel()


def _line(scored: _ByChampion, on_trial: _OnTrial | None, rows: Payload | None) -> Prediction:
    champion = scored.champion
    by_canary = on_trial is not None and on_trial.arm == "canary"
    return Prediction(
        id=scored.prediction_id,
        time=scored.moment.isoformat(timespec="milliseconds"),
        model=champion.champion.model,
        version=on_trial.trial.version if on_trial and by_canary else champion.champion.version,
        arm="canary" if by_canary else "champion",
        endpoint=scored.endpoint,
        rows=len(scored.scores),
        champion=_logged(champion, Outcome(ms=scored.ms, scores=scored.scores)),
        trial=_logged(on_trial.trial.predictor, on_trial.outcome) if on_trial else None,
        phase=on_trial.trial.plan.phase if on_trial else "",
        inputs=rows.inputs() if rows else None,
    )


def _logged(predictor: Predictor, outcome: Outcome) -> Scored:
    return Scored(
        version=predictor.champion.version,
        ms=outcome.ms,
        scores=[] if outcome.scores is None else outcome.scores.tolist(),
        labels=[] if outcome.scores is None else list(predictor.record.labels),
        error=outcome.error,
        skipped=outcome.skipped,
    )
