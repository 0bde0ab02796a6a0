"""Where the challenger is weak, on the rows that the last run looked at (`core.looked_at`), against what serves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.change.records import Rows
from ratchet.core.change.switched import Predicted, switched
from ratchet.core.curves import predicted_labels
from ratchet.core.evidence.asked import columns_asked
from ratchet.core.evidence.discovered import Limits, discover
from ratchet.core.evidence.rows import JudgedRows, Pair
from ratchet.core.evidence.weak_spots import WeakSpots
from ratchet.core.feature_table import CLUSTER, TARGET, encode_target
from ratchet.core.judged import CHALLENGER, CHAMPION, Evaluation, clusters_of, scores_of
from ratchet.core.looked_at import HOLDOUT
from ratchet.core.metrics import row_losses
from ratchet.core.params import Params
from ratchet.core.scoring import Scores
from ratchet.errors import DataRefused, ServiceFailed
from ratchet.io import layout
from ratchet.io.looked_at import RowsToLookAt, looked_at
from ratchet.io.prices import prices_of
from ratchet.io.room import read_params, read_schema
from ratchet.io.row_columns import table_of
from ratchet.io.tables import read_table


def weak_spots(root: Path, evaluation: Evaluation) -> WeakSpots:
    """Look for them among the features, and the columns of the rows that the gate's policy names.

    The scores are those that `evaluate` wrote. Raises DataRefused if the rows show nothing, ServiceFailed if they are
    not there or not those of the evaluation, TamperedFile.
    """
    params = read_params(root)
    rows = looked_at(root, params)
    if rows.about.kind == HOLDOUT and evaluation.contaminated:
        raise DataRefused(f"{', '.join(evaluation.contaminated)} trained a model: these rows show nothing")
    if not evaluation.is_of(rows.about):
        raise ServiceFailed(
            f"{layout.EVALUATION} was made from other features than {layout.FEATURES} holds", next_step="ratchet run"
        )
    scores = _scores(root, evaluation)
    judged = JudgedRows(
        task=evaluation.task,
        target=encode_target(rows.labels[TARGET], evaluation.labels, evaluation.task),
        scores=scores,
        clusters=clusters_of(rows.labels),
        table=_table(root, rows, params),
        threshold=params.evaluate.threshold,
        prices=prices_of(root, params, evaluation.labels, rows.batches),
    )
    limits = Limits(alpha=params.gate.alpha, min_rows=params.report.slice_rows, min_clusters=params.gate.min_clusters)
    found = discover(judged, params.gate.metric, Pair(evaluation.reference, CHALLENGER), limits)
    keys = rows.labels.drop(columns=[CLUSTER, TARGET])
    another = CHAMPION in scores and not evaluation.challenger_is_champion and evaluation.task != "regression"
    return WeakSpots(
        losing=found.losing,
        hardest=found.hardest,
        switched=_switched(judged, evaluation, keys, params) if another else None,
    )


def _table(root: Path, rows: RowsToLookAt, params: Params) -> pd.DataFrame:
    """The features, and what else the gate's policy names: only then is there anything more to read."""
    columns, features = columns_asked(params.gate, params.project.task), rows.features
    if set(columns) <= set(features.columns):
        return features
    return table_of(root, read_schema(root, params), rows.batches, columns)


def _scores(root: Path, evaluation: Evaluation) -> Mapping[str, Scores]:
    """Of the challenger and of what it is compared with, as far as they are there."""
    predictions = read_table(root / layout.EVALUATION / "predictions.parquet")
    if len(predictions) != evaluation.rows:
        raise ServiceFailed(
            f"predictions.parquet of {layout.EVALUATION} has {len(predictions):,} rows, and the evaluation is of "
            f"{evaluation.rows:,}",
            next_step="ratchet run",
        )
    found = {name: scores_of(predictions, name) for name in (evaluation.reference, CHALLENGER)}
    return {name: scores for name, scores in found.items() if scores is not None}


def _switched(rows: JudgedRows, evaluation: Evaluation, keys: pd.DataFrame, params: Params) -> Rows:
    champion, challenger = rows.scores[CHAMPION], rows.scores[CHALLENGER]
    before, after = (row_losses(params.gate.metric, rows.target, each, rows.prices) for each in (champion, challenger))
    said = Predicted(
        target=rows.target.astype(np.int64),
        base=predicted_labels(champion, rows.task, rows.threshold),
        change=predicted_labels(challenger, rows.task, rows.threshold),
        loss=after - before,
    )
    return switched(said, keys, evaluation.labels, most=params.report.examples)
