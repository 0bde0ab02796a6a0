"""Reading what `featurize` wrote, and making the features that an older room would have written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.schema import ROWS
from ratchet.io.batches import LOOKUPS, UnitStore
from ratchet.io.other_room import other_features, same_room
from ratchet.io.room import feature_functions, read_params, read_schema
from ratchet.io.tables import read_frame
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


def lineage(store: UnitStore, names: Iterable[str]) -> dict[str, str]:
    """The digest of each named batch: what a model was trained on, or was judged on."""
    return {name: store.digests(name)["features.parquet"] for name in names}


def features_for(root: Path, home: Path, batches: Mapping[str, LabelledBatch]) -> pd.DataFrame:
    """The features of `batches` as the room at `home/src/` makes them: the same table if its code is the same.

    Raises DataRefused if that code cannot read the rows.
    """
    params = read_params(root)
    room = params.project.room
    if same_room(home / "src" / room, root / "src" / room):
        return pd.concat([batch.features for batch in batches.values()], ignore_index=True)
    return pd.concat([_remade(root, home, name) for name in batches], ignore_index=True)


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
