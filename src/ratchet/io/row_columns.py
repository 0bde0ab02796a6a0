"""Columns of the rows that features were made of, for labelled rows that have kept no more than their key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.leakage.hashes import key_hashes
from ratchet.core.schema import ROWS, Schema
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.tables import read_table
from ratchet.io.validated import Validated


def row_columns(root: Path, batch: str, columns: Sequence[str], keys: pa.Table) -> pa.Table:
    """The `columns` of a batch's rows, one line for each of `keys`, in their order. Raises ServiceFailed, TamperedFile.

    Rows in quarantine are left out first: their keys may come twice.
    """
    rows = _valid(Validated(root), batch, [*dict.fromkeys([*keys.column_names, *columns])])
    known = key_hashes(rows.select(keys.column_names))
    order = np.argsort(known, kind="stable")
    places = order[np.minimum(np.searchsorted(known[order], key_hashes(keys)), len(order) - 1)]
    return rows.select(list(columns)).take(pa.array(places))


def _valid(validated: Validated, batch: str, columns: Sequence[str]) -> pa.Table:
    rows = read_table(validated.ingested.file(batch, f"{ROWS}.parquet"), columns)
    quarantined = validated.quarantined(batch, ROWS)
    if quarantined is None:
        return rows
    kept = np.ones(len(rows), dtype=np.bool_)
    kept[quarantined["_row"].to_numpy()] = False
    return rows.filter(pa.array(kept))


def table_of(
    root: Path, schema: Schema, batches: Mapping[str, LabelledBatch], columns: Collection[str]
) -> pd.DataFrame:
    """The features of `batches`, and of the raw rows those of `columns` that are no features; one line per row.

    A column that neither has is left out. Raises ServiceFailed, TamperedFile.
    """
    features = pd.concat([batch.features for batch in batches.values()], ignore_index=True)
    raw = [name for name in schema.rows.columns if name in columns and name not in features.columns]
    if not raw:
        return features
    return pd.concat([features, rows_of(root, schema, batches, raw)], axis=1)


def rows_of(root: Path, schema: Schema, batches: Mapping[str, LabelledBatch], columns: Sequence[str]) -> pd.DataFrame:
    """These `columns` of the raw rows of `batches`, one line per labelled row. Raises ServiceFailed, TamperedFile."""
    store = UnitStore(root / layout.FEATURES)
    parts: list[pd.DataFrame] = []
    for name, batch in batches.items():
        keys = read_table(store.file(name, "labels.parquet")).select(schema.rows.key)
        kept = keys if batch.kept is None else keys.filter(pa.array(batch.kept))
        parts.append(row_columns(root, name, columns, kept).to_pandas())
    return pd.concat(parts, ignore_index=True)
