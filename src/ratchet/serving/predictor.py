"""A verified champion that is ready to answer.

The model is loaded and asked through the same functions that evaluation uses, so what is served is what was judged.
scikit-learn and pandas are imported when a model is loaded, not before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.core.ledger_entries import Entry, RegistrationEntry
from ratchet.core.model_record import ModelRecord
from ratchet.errors import ServiceFailed
from ratchet.io import model_folder
from ratchet.io.champion import read_entry
from ratchet.serving.inputs import Columns, Inputs
from ratchet.serving.raw.rows import RawRows, open_raw_rows
from ratchet.serving.refusal import RequestRefused
from ratchet.serving.skew import Skew

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ratchet.core import scoring
    from ratchet.serving.notes import Note

BOOLEANS: Mapping[str, bool | str] = {"false": False, "true": True}
"""Labels that JSON has a word for."""
FEW_ROWS = 64
"""Up to so many rows, values are counted from the lists that JSON gave: an array for each column costs more."""


class Predictor:
    """One version of the model: nothing in it changes, so a request that holds it answers from it to the end."""

    def __init__(
        self,
        record: ModelRecord,
        pipeline: scoring.Predictor,
        champion: Entry | RegistrationEntry,
        raw: RawRows | None = None,
    ) -> None:
        self.record = record
        self.champion = champion
        self.inputs = Inputs(record.features)
        self._numbers = [feature.name for feature in record.features if feature.kind == "number"]
        self.skew = Skew(record.seen)
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        self.raw = raw or RawRows(reason="this server was made without a room")
        self._pipeline = pipeline

    @classmethod
    def load(cls, folder: Path) -> Predictor:
        """Read a champion's folder. Raises TamperedFile if its files are not the ones that the ledger entry names.

        The folder must stay until `when_done`: the room's code runs from there.
        """
        entry = read_entry(folder)
        if entry is None:
            raise ServiceFailed(f"{folder} holds no champion", next_step="ratchet history says what should serve")
        return cls.load_version(folder, entry)

    @classmethod
    def load_version(cls, folder: Path, entry: Entry | RegistrationEntry) -> Predictor:
        """Read the sealed folder of the version that a ledger entry names. Raises as `load`; the folder must stay.

        A candidate is asked as a champion would be, and stands where a champion stands.
        """
        raw = open_raw_rows(folder, entry.seal)  # its process loads while this one does
        model = model_folder.read(folder, seal=entry.seal)
        return cls(model.record, model.pipeline, entry, raw)

    def when_done(self, callback: Callable[[], object]) -> None:
        """Call back once the folder is no longer needed: at once, or after the last raw request was answered."""
        if self.raw.process is None:
            callback()
        else:
            self.raw.process.when_done(callback)

    def score(self, columns: Columns) -> tuple[scoring.Scores, list[Note]]:
        """Finite scores of columns that `inputs` let through, and what is to be noted of them.

        Raises RequestRefused if the model has no scores for them.
        """
        table = self._table(columns)
        scores = self._scores(table)
        if len(scores) > FEW_ROWS:
            # Numbers are arrays already; to make them once more out of lists takes as long as a tenth of the scoring.
            return scores, self.skew.see({**columns, **{name: table[name].to_numpy() for name in self._numbers}})
        return scores, self.skew.see(columns)

    def _table(self, columns: Columns) -> pd.DataFrame:
        from ratchet.core import scoring

        with _scorable(ValueError):
            return scoring.frame(self.record.features, columns)

    def score_raw(self, body: bytes, *, max_rows: int) -> tuple[scoring.Scores, list[Note]]:
        """Scores of the raw rows in a request's body, and what is to be noted of them. Raises RequestRefused."""
        return self.score_made(*self.raw.features(body, max_rows=max_rows))

    def score_made(self, features: pa.Table, notes: list[Note]) -> tuple[scoring.Scores, list[Note]]:
        """Scores of features that this version's room has made, and its notes with those on them."""
        scores = self._score_table(features)
        columns = {each.name: features.column(each.name).to_pylist() for each in self.record.features}
        return scores, notes + self.skew.see(columns)

    def _score_table(self, features: pa.Table) -> scoring.Scores:
        from ratchet.core.feature_table import model_inputs

        # The same two steps as in evaluation, from the same table that featurize would have written.
        with _scorable(TypeError, ValueError):
            table = model_inputs(features.to_pandas(), self.record.features)
        return self._scores(table)

    def _scores(self, table: pd.DataFrame) -> scoring.Scores:
        import numpy as np

        from ratchet.core import scoring

        with _scorable(ValueError):
            scores = scoring.score(self._pipeline, self.record.task, table)
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            raise _unscorable(f"row {int(finite.argmin())} has no finite score")
        return scores

    def check(self) -> None:
        """Answer one row, before anybody is answered by this model. Raises ServiceFailed if that does not work."""
        try:
            self._scores(self._table(self.inputs.from_rows([self.inputs.example()])))
        except RequestRefused as error:
            raise ServiceFailed(
                f"version {self.champion.version} does not answer a plain row: {error.message}",
                next_step="ratchet rollback, then mend the features or the estimator",
            ) from error
        self.raw = self.raw.checked(self._score_table)

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
            "raw": {"available": self.raw.available, "reason": self.raw.reason or None, "example": self.raw.example()},
        }

    def told_skew(self) -> dict[str, Any]:
        """How far what was answered for is from what this model saw in training, the worst feature first."""
        reason = None if self.record.seen else "this model's record does not say what training saw: train a newer one"
        # Every process of a server counts for itself.
        counted = {"process": os.getpid(), "since": self.since}
        return {"model": self.names, "reason": reason, **counted, **self.skew.summary()}


def predictions(record: ModelRecord, scores: scoring.Scores) -> list[dict[str, Any]]:
    """One object per row: a probability and a label, a probability per label, or a value."""
    if record.task == "regression":
        return [{"value": value} for value in scores[:, 0].tolist()]
    if record.task == "binary":
        no, yes = (BOOLEANS.get(label, label) for label in record.labels)
        return [
            {"probability": chance, "label": yes if chance >= record.threshold else no}
            for chance in scores[:, 1].tolist()
        ]
    likeliest = scores.argmax(axis=1).tolist()
    return [
        {"label": record.labels[best], "probabilities": dict(zip(record.labels, row, strict=True))}
        for best, row in zip(likeliest, scores.tolist(), strict=True)
    ]


@contextmanager
def _scorable(*refusals: type[Exception]) -> Iterator[None]:
    """What pandas and scikit-learn refuse by these exceptions becomes a refusal of the rows."""
    try:
        yield
    except refusals as error:
        raise _unscorable(f"{error}".partition("\n")[0]) from error


def _unscorable(what: str) -> RequestRefused:
    return RequestRefused(
        f"the model cannot score these rows: {what}", next_step="look for values far outside of what it was trained on"
    )
