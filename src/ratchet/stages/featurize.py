"""featurize: the room's feature function over each validated batch, and its labels beside them.

The feature function is given only the columns that are known when a prediction is asked for. Rows without a label
neither train nor judge, and are left out here, counted.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ratchet.core.cluster_names import cluster_names
from ratchet.core.feature_table import (
    CLUSTER,
    TARGET,
    check_labels,
    require_features,
    require_values,
    without_categories,
)
from ratchet.core.manifest import digest_of
from ratchet.core.params import Params
from ratchet.core.schema import LOOKUPS, ROWS, Schema
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.code import code_digest
from ratchet.io.progress import report_work, say
from ratchet.io.room import FeatureFunctions, feature_functions, read_params, read_schema
from ratchet.io.tables import write_frame
from ratchet.io.validated import Validated


def run(root: Path) -> None:
    """Write `features.parquet` and `labels.parquet` per batch, rows in the same order."""
    params = read_params(root)
    schema = read_schema(root, params)
    functions = feature_functions(root, params)
    valid = Validated(root)
    standing = {name: valid.rows(LOOKUPS, name) for name in schema.standing_tables()}

    def make(unit: str, folder: Path) -> None:
        tables = {name: valid.rows(unit, name) for name in schema.batch_tables()}
        features, labels = featurize(tables, standing, functions=functions, schema=schema, params=params)
        require_values(features, labels, batch=unit)
        write_frame(folder / "features.parquet", features)
        write_frame(folder / "labels.parquet", labels)
        left_out = f"{len(tables[ROWS]) - len(labels):,} without a label"
        if quarantined := valid.report(unit).tables[ROWS].quarantined:
            left_out += f", {quarantined:,} in quarantine"
        say(f"featurize {unit}: {len(labels):,} rows x {features.shape[1]} features, {left_out}")

    settings = digest_of(
        {
            "project": params.project.model_dump(),
            "cluster": params.split.cluster.model_dump() if params.split.cluster else None,
            "schema": schema.model_dump(),
        }
    )
    code = code_digest("ratchet", params.project.room)
    recorded = {unit: valid.digests(unit) for unit in (LOOKUPS, *valid.store.names())}
    keys = {
        unit: digest_of({"files": recorded[unit], "lookups": recorded[LOOKUPS], "settings": settings, "code": code})
        for unit in valid.store.names()
    }
    report_work("featurize", UnitStore(root / layout.FEATURES).update(keys, make))


def featurize(
    tables: dict[str, pd.DataFrame],
    standing: dict[str, pd.DataFrame],
    *,
    functions: FeatureFunctions,
    schema: Schema,
    params: Params,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of one batch: labelled rows only, in the same order.

    Labels have the key columns, the cluster (null where rows are independent) and the target.
    """
    rows = tables[ROWS]
    lookups = {**standing, **{name: table for name, table in tables.items() if name != ROWS}}
    features = functions.build(rows[schema.known_before()], lookups)
    require_features(features, rows)
    target = check_labels(functions.label(rows.copy(deep=False)), rows, params.project.task)
    labelled = target.notna()
    cluster = params.split.cluster
    labels = rows.loc[labelled, schema.rows.key].assign(
        **{CLUSTER: cluster_names(rows, cluster)[labelled] if cluster else None, TARGET: target[labelled]}
    )
    return without_categories(features[labelled].reset_index(drop=True)), labels.reset_index(drop=True)
