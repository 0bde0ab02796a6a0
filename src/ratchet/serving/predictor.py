"""A verified champion that is ready to answer.

The model is loaded and asked through the same functions that evaluation uses, so what is served is what was judged.
scikit-learn and pandas are imported when a model is loaded, not before.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.ledger import Entry
from ratchet.core.model_record import ModelRecord
from ratchet.errors import ServiceFailed
from ratchet.io.champion import read_champion
from ratchet.serving.inputs import Columns, Inputs
from ratchet.serving.refusal import RequestRefused

if TYPE_CHECKING:
    from ratchet.core import scoring


class Predictor:
    """One version of the model: nothing in it changes, so a request that holds it answers from it to the end."""

    def __init__(self, record: ModelRecord, pipeline: scoring.Predictor, champion: Entry) -> None:
        self.record = record
        self.champion = champion
        self.inputs = Inputs(record.features)
        self._pipeline = pipeline

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """Read a champion's folder. Raises TamperedFile if its files are not the ones that the ledger entry names."""
        champion = read_champion(folder)
        if champion is None:
            raise ServiceFailed(f"{folder} holds no champion", next_step="ratchet history says what should serve")
        return cls(champion.model.record, champion.model.pipeline, champion.entry)

    def score(self, columns: Columns) -> scoring.Scores:
        """Finite scores of columns that `inputs` let through. Raises RequestRefused if the model has none for them."""
        import numpy as np

        from ratchet.core import scoring

        try:
            table = scoring.frame(self.record.features, columns)
            scores = scoring.score(self._pipeline, self.record.task, table)
        except ValueError as error:
            raise _unscorable(f"{error}".partition("\n")[0]) from error
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            raise _unscorable(f"row {int(finite.argmin())} has no finite score")
        return scores

    def check(self) -> None:
        """Answer one row, before anybody is answered by this model. Raises ServiceFailed if that does not work."""
        try:
            self.score(self.inputs.from_rows([self.inputs.example()]))
        except RequestRefused as error:
            raise ServiceFailed(
                f"version {self.champion.version} does not answer a plain row: {error.message}",
                next_step="ratchet rollback, then mend the features or the estimator",
            ) from error

    @property
    def names(self) -> dict[str, Any]:
        """Which model an answer comes from."""
        return {"name": self.champion.model, "version": self.champion.version}

    @cached_property
    def card(self) -> dict[str, Any]:
        """What serves, since when, who put it there and why, on what data and numbers, and how to ask it."""
        return {
            **self.names,
            "since": self.champion.time,
            "by": self.champion.actor,
            "how": self.champion.kind,
            "reason": self.champion.reason,
            "digest": self.champion.model_digest,
            "seal": self.champion.seal,
            "run_id": self.champion.run_id,
            "commit": self.champion.commit,
            "task": self.record.task,
            "target": self.record.target,
            "labels": self.record.labels,
            "threshold": self.record.threshold if self.record.task == "binary" else None,
            "features": [feature.model_dump() for feature in self.record.features],
            "metrics": self.champion.metrics,
            "trained_on": list(self.record.trained_on),
            "example": {"rows": [self.inputs.example()]},
        }


def _unscorable(what: str) -> RequestRefused:
    return RequestRefused(
        f"the model cannot score these rows: {what}", next_step="look for values far outside of what it was trained on"
    )
