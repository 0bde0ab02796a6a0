"""Looking for leakage between the rows that train and those that judge or are shown, one training batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pyarrow as pa

from ratchet.core.feature_table import TARGET
from ratchet.core.leakage.finding import find
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.leakage.rows import Rows, joined
from ratchet.core.open_split import open_rows
from ratchet.core.params import Params
from ratchet.core.schema import Schema
from ratchet.core.split import Plan
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.room import read_schema
from ratchet.io.row_columns import row_columns
from ratchet.io.tables import read_table

Part = Literal["all", "open", "training"]
"""Of a batch: all of its rows, or of a training batch the open ones or the others."""


def find_leakage(root: Path, plan: Plan, params: Params) -> LeakageCheck:
    """Compare the held-out batches with what trains. Raises ServiceFailed, TamperedFile."""
    reader = _Reader(root, read_schema(root, params), params)
    return _found(joined([reader.read(name, "all") for name in plan.holdout]), reader, plan)


def find_open_leakage(root: Path, plan: Plan, params: Params) -> LeakageCheck | None:
    """Compare the open rows with what trains, but for their time, which lies among it; None if there are none.

    Raises ServiceFailed, TamperedFile.
    """
    reader = _Reader(root, read_schema(root, params), params)
    shown = [rows for rows in (reader.read(name, "open") for name in plan.train) if len(rows)]
    if not shown:
        return None
    rows = joined(shown)
    found = _found(replace(rows, time=None), reader, plan)
    return found.model_copy(update={"among_training": rows.time is not None})


def _found(judging: Rows, reader: _Reader, plan: Plan) -> LeakageCheck:
    params = reader.params
    return find(judging, reader.training(plan), task=params.project.task, limits=params.gate.leakage)


@dataclass(frozen=True)
class _Reader:
    """Reads labelled rows of the project at `root`."""

    root: Path
    schema: Schema
    params: Params

    def training(self, plan: Plan) -> Iterator[Rows]:
        """What trains, one batch at a time, the oldest first."""
        parts = (self.read(name, "training") for name in plan.train)
        return (rows for rows in parts if len(rows))

    def read(self, batch: str, part: Part) -> Rows:
        """The rows of one batch."""
        store = UnitStore(self.root / layout.FEATURES)
        features, labels = (read_table(store.file(batch, f"{name}.parquet")) for name in ("features", "labels"))
        if part != "all" and (share := self.params.split.open):
            kept = pa.array(open_rows(labels, share) == (part == "open"))
            features, labels = features.filter(kept), labels.filter(kept)
        keys = labels.select(self.schema.rows.key)
        return Rows(
            features=features,
            target=labels.column(TARGET),
            keys=keys,
            time=self._times(batch, keys),
            timed_key=self.schema.rows.time in self.schema.rows.key,
            batches=((batch, len(labels)),),
        )

    def _times(self, batch: str, keys: pa.Table) -> pa.ChunkedArray | None:
        """The time of each row: from its key, or by its key from the rows that features were made of."""
        time, key = self.schema.rows.time, self.schema.rows.key
        if time is None or time in key:
            return None if time is None else keys.column(time)
        return row_columns(self.root, batch, [time], keys).column(0)
