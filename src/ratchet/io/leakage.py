"""Looking for leakage between the batches that trained and those that judge, one training batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from ratchet.core.feature_table import TARGET
from ratchet.core.leakage.finding import find
from ratchet.core.leakage.hashes import key_hashes
from ratchet.core.leakage.records import LeakageCheck
from ratchet.core.leakage.rows import Rows, joined
from ratchet.core.params import Params
from ratchet.core.schema import ROWS, Schema
from ratchet.core.split import Plan
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.room import read_schema
from ratchet.io.validated import Validated


def find_leakage(root: Path, plan: Plan, params: Params) -> LeakageCheck:
    """Compare the held-out batches with the training batches. Raises ServiceFailed, TamperedFile."""
    read = partial(_read, root, read_schema(root, params))
    return find(
        joined([read(name) for name in plan.holdout]),
        map(read, plan.train),
        task=params.project.task,
        limits=params.gate.leakage,
    )


def _read(root: Path, schema: Schema, batch: str) -> Rows:
    store = UnitStore(root / layout.FEATURES)
    features, labels = (_table(store.file(batch, f"{name}.parquet")) for name in ("features", "labels"))
    keys = labels.select(schema.rows.key)
    return Rows(
        features=features,
        target=labels.column(TARGET),
        keys=keys,
        time=_times(root, schema, batch, keys),
        timed_key=schema.rows.time in schema.rows.key,
        batches=((batch, len(labels)),),
    )


def _times(root: Path, schema: Schema, batch: str, keys: pa.Table) -> pa.ChunkedArray | None:
    """The time of each row: from its key, or by its key from the rows that features were made of."""
    time, key = schema.rows.time, schema.rows.key
    if time is None or time in key:
        return None if time is None else keys.column(time)
    rows = _valid(Validated(root), batch, [*key, time])
    known = key_hashes(rows.select(key))
    order = np.argsort(known, kind="stable")
    places = order[np.minimum(np.searchsorted(known[order], key_hashes(keys)), len(order) - 1)]
    return rows.column(time).take(pa.array(places))


def _valid(validated: Validated, batch: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of a batch's rows, without those in quarantine, whose keys may come twice."""
    rows = _table(validated.ingested.file(batch, f"{ROWS}.parquet"), columns)
    quarantined = validated.quarantined(batch, ROWS)
    if quarantined is None:
        return rows
    kept = np.ones(len(rows), dtype=np.bool_)
    kept[quarantined["_row"].to_numpy()] = False
    return rows.filter(pa.array(kept))


def _table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    # Imported late, as everywhere: the type of a table is needed without the reader.
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=None if columns is None else list(columns))
