"""Reading what `featurize` wrote, and making the features that an older room would have written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.open_split import open_rows
from ratchet.core.schema import LOOKUPS, ROWS
from ratchet.errors import DataRefused
from ratchet.io.batches import UnitStore
from ratchet.io.other_room import other_features, same_room
from ratchet.io.room import feature_functions, read_params, read_schema, room_folder
from ratchet.io.tables import read_frame, read_table
from ratchet.io.validated import Validated


def read_batches(store: UnitStore, names: Iterable[str]) -> dict[str, LabelledBatch]:
    """Features and labels of the named batches, verified. Raises ServiceFailed, TamperedFile."""
    return {
        name: LabelledBatch(
            features=read_frame(store.file(name, "features.parquet")),
            labels=read_frame(store.file(name, "labels.parquet")),
        )
        for name in names
    }


def read_training(store: UnitStore, names: Iterable[str], share: float) -> dict[str, LabelledBatch]:
    """The named batches without their open rows (`core.open_split`), for everything that a model learns from.

    A batch whose rows are all open is not among them. Raises ServiceFailed, TamperedFile.
    """
    return _read_part(store, names, share, opened=False) if share else read_batches(store, names)


def read_open(store: UnitStore, names: Iterable[str], share: float) -> dict[str, LabelledBatch]:
    """The open rows of the named batches; a batch that has none is not among them. Raises as `read_training`."""
    return _read_part(store, names, share, opened=True)


def _read_part(store: UnitStore, names: Iterable[str], share: float, *, opened: bool) -> dict[str, LabelledBatch]:
    """Features are read of batches alone that have such rows."""
    found = {}
    for name in names:
        table = read_table(store.file(name, "labels.parquet"))
        kept = open_rows(table, share) == opened
        if kept.any():
            # As data frames, so that a column is of one type whichever of its rows are kept.
            features = read_frame(store.file(name, "features.parquet"))
            found[name] = LabelledBatch(_rows(features, kept), _rows(table.to_pandas(), kept), kept=kept)
    return found


def lineage(store: UnitStore, names: Iterable[str]) -> dict[str, str]:
    """The digest of each named batch: what a model was trained on, or was judged on."""
    return {name: store.digests(name)["features.parquet"] for name in names}


def features_for(root: Path, home: Path, batches: Mapping[str, LabelledBatch]) -> pd.DataFrame:
    """The features of `batches` as the room at `home/src/` makes them: the same table if its code is the same.

    Of a batch that was read in part, the same part.

    Raises DataRefused if that code cannot read the rows.
    """
    params = read_params(root)
    room = params.project.room
    if same_room(room_folder(home, room), room_folder(root, room)):
        return pd.concat([batch.features for batch in batches.values()], ignore_index=True)
    return pd.concat([_part(_remade(root, home, name), batch) for name, batch in batches.items()], ignore_index=True)


def _part(features: pd.DataFrame, batch: LabelledBatch) -> pd.DataFrame:
    """Of the features of a whole batch, those of the rows that `batch` keeps."""
    if batch.kept is None:
        return features
    if len(features) != len(batch.kept):
        raise DataRefused(f"{len(features):,} rows have a label now, and {len(batch.kept):,} had one in the last run")
    return _rows(features, batch.kept)


def _rows(table: pd.DataFrame, kept: NDArray[np.bool_]) -> pd.DataFrame:
    return table[kept].reset_index(drop=True)


def _remade(root: Path, home: Path, batch: str) -> pd.DataFrame:
    """One batch's features by the other room's code, for the rows that have a label by today's."""
    params = read_params(root)
    schema = read_schema(root, params)
    valid = Validated(root)
    rows = valid.rows(batch, ROWS)
    lookups = {
        **{name: valid.rows(LOOKUPS, name) for name in schema.standing_tables()},
        **{name: valid.rows(batch, name) for name in schema.batch_tables() if name != ROWS},
    }
    features = other_features(home, params.project.room, rows[schema.known_before()], lookups)
    labelled = feature_functions(root, params).label(rows).notna().to_numpy()
    return features[labelled].reset_index(drop=True)
