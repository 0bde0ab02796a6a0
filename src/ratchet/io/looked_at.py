"""Reading the rows that people may look at (`ratchet.core.looked_at`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.judged import clusters_of
from ratchet.core.looked_at import OPEN, LookedAt, batches_of, kind_of, require_unseen
from ratchet.core.model_record import ModelRecord
from ratchet.core.open_split import dealt_by
from ratchet.core.params import Params
from ratchet.core.split import plan_split
from ratchet.errors import DataRefused
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.features import lineage, read_batches, read_open


@dataclass(frozen=True, kw_only=True)
class RowsToLookAt:
    """The rows of each batch that may be looked at, and how they were dealt."""

    about: LookedAt
    batches: Mapping[str, LabelledBatch]
    share: float
    dealt_by: str

    @property
    def labels(self) -> pd.DataFrame:
        """Key, cluster and label of each row, batch after batch."""
        return pd.concat([batch.labels for batch in self.batches.values()], ignore_index=True)

    @property
    def features(self) -> pd.DataFrame:
        """The features by the project's own code, in the order of `labels`; by another's: `features_for`."""
        return pd.concat([batch.features for batch in self.batches.values()], ignore_index=True)

    def require_unseen(self, record: ModelRecord) -> None:
        """Raises DataRefused if the model of `record` was trained on any of these rows."""
        require_unseen(record, looked_at=self.about, share=self.share, dealt_by=self.dealt_by)


def looked_at(root: Path, params: Params) -> RowsToLookAt:
    """The rows of the project at `root` that may be looked at.

    Raises DataRefused if there are none, ServiceFailed, TamperedFile.
    """
    store = UnitStore(root / layout.FEATURES)
    plan = plan_split(store.names(), holdout=params.split.holdout, folds=params.split.folds)
    kind, names = kind_of(params), batches_of(plan, params)
    batches = read_open(store, names, params.split.open) if kind == OPEN else read_batches(store, names)
    if not batches:
        raise DataRefused(
            f"split.open {params.split.open:g} opens no row of {names[0]} to {names[-1]}: nothing could be looked at",
            next_step="let more batches come, or raise split.open in params.yaml",
        )
    labels = pd.concat([batch.labels for batch in batches.values()], ignore_index=True)
    clusters = clusters_of(labels)
    about = LookedAt(
        kind=kind,
        batches=lineage(store, batches),
        rows=len(labels),
        clusters=None if clusters is None else len(set(clusters)),
    )
    by = dealt_by(params.split.cluster, labels.columns)
    return RowsToLookAt(about=about, batches=batches, share=params.split.open, dealt_by=by)
