"""A request's rows, in a form that the champion and a version on trial can both score."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from ratchet.errors import Violation
from ratchet.serving.inputs import Columns
from ratchet.serving.refusal import RequestRefused

if TYPE_CHECKING:
    from ratchet.core.scoring import Scores
    from ratchet.serving.notes import Note
    from ratchet.serving.predictor import Predictor

MISSING_COLUMNS = ("is missing", "is unknown")
"""How a rule begins that says that a request has other columns."""
NOT_TAKEN = 501
OTHER_SHAPE = 400


class IncompatiblePayload(Exception):
    """The request does not have what the version on trial takes: no fault of either."""


class Payload(Protocol):
    """Rows that one version can score, or two."""

    out_of_process: ClassVar[bool]
    """Whether each version works on them in a process of its own."""
    threads: ClassVar[int]
    """How many such requests are worked on at once."""

    def score(self, champion: Predictor) -> tuple[Scores, list[Note]]:
        """The champion's scores, and what is to be noted. Raises RequestRefused."""
        ...

    def score_on_trial(self, trial: Predictor) -> tuple[Scores, list[Note]]:
        """Those of a version that may take other columns.

        Raises IncompatiblePayload, or whatever an unproven model raises.
        """
        ...

    def inputs(self) -> object:
        """The rows as they are logged, if they are."""
        ...

    def size(self) -> int:
        """About how many values they have."""
        ...


@dataclass(frozen=True)
class FeaturePayload:
    """Columns that the champion takes, and of which kind each is."""

    out_of_process: ClassVar[bool] = False
    threads: ClassVar[int] = os.cpu_count() or 1
    columns: Columns
    kinds: Mapping[str, str]

    def score(self, champion: Predictor) -> tuple[Scores, list[Note]]:
        """Score the columns."""
        return champion.score(self.columns)

    def score_on_trial(self, trial: Predictor) -> tuple[Scores, list[Note]]:
        """Score those columns that the version takes; it must find them all."""
        wanted = trial.record.features
        lacking = [each.name for each in wanted if self.kinds.get(each.name) != each.kind]
        if lacking:
            raise IncompatiblePayload(
                f"a request of features has no {', '.join(lacking)}: POST /predict/raw suits both versions"
            )
        return trial.score(trial.inputs.from_columns({each.name: self.columns[each.name] for each in wanted}))

    def inputs(self) -> object:
        """One list of values per feature."""
        return {name: list(values) for name, values in self.columns.items()}

    def size(self) -> int:
        """Values in all columns."""
        return sum(map(len, self.columns.values()))


@dataclass(frozen=True)
class RawPayload:
    """A body of raw rows, which each version's own room reads."""

    out_of_process: ClassVar[bool] = True
    threads: ClassVar[int] = 2  # one waits for the room while the other scores what it made
    body: bytes
    max_rows: int

    def score(self, champion: Predictor) -> tuple[Scores, list[Note]]:
        """Make the features and score them."""
        return champion.score_raw(self.body, max_rows=self.max_rows)

    def score_on_trial(self, trial: Predictor) -> tuple[Scores, list[Note]]:
        """The same by the version's own room, if that takes these columns."""
        try:
            features, notes = trial.raw.features(self.body, max_rows=self.max_rows)
        except RequestRefused as refused:
            if _asks_for_other_columns(refused):
                raise IncompatiblePayload(f"its room takes other raw rows: {refused.message}") from refused
            raise
        return trial.score_made(features, notes)

    def inputs(self) -> object:
        """The body's value."""
        value: Any = msgspec.json.decode(self.body)
        return value

    def size(self) -> int:
        """As many as the body's length in numbers of 8 bytes."""
        return len(self.body) // 8


def _asks_for_other_columns(refused: RequestRefused) -> bool:
    if refused.violations:
        return all(_of_columns(each) for each in refused.violations)
    return refused.status in (NOT_TAKEN, OTHER_SHAPE)


def _of_columns(broken: Violation) -> bool:
    return broken.rule.startswith(MISSING_COLUMNS)
