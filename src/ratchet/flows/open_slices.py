"""The declared slices of the rows that people may look at, where those that judge are sealed."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.findings import SliceCheck
from ratchet.core.judged import CHALLENGER, Evaluation, clusters_of, scores_of
from ratchet.core.params import Params
from ratchet.io import layout


def open_slices(root: Path, params: Params, evaluation: Evaluation) -> SliceCheck | None:
    """What this model gains in each slice of `gate.slices` on the open rows; None if none is declared.

    The scores are those that `evaluate` wrote. Raises DataRefused if there are no such rows, ServiceFailed,
    TamperedFile.
    """
    if not params.gate.slices.by:
        return None
    # Imported late: they bring pandas and the statistics, and few projects seal their rows.
    from ratchet.core.evidence.rows import JudgedRows, Pair
    from ratchet.core.evidence.slices import slice_check
    from ratchet.core.feature_table import TARGET, encode_target
    from ratchet.io.looked_at import looked_at
    from ratchet.io.prices import prices_of
    from ratchet.io.room import read_schema
    from ratchet.io.row_columns import table_of
    from ratchet.io.tables import read_table

    rows = looked_at(root, params)
    predictions = read_table(root / layout.EVALUATION / "predictions.parquet")
    names = (evaluation.reference, CHALLENGER)
    judged = JudgedRows(
        task=evaluation.task,
        target=encode_target(rows.labels[TARGET], evaluation.labels, evaluation.task),
        scores={name: found for name in names if (found := scores_of(predictions, name)) is not None},
        clusters=clusters_of(rows.labels),
        table=table_of(root, read_schema(root, params), rows.batches, params.gate.slices.by),
        threshold=params.evaluate.threshold,
        prices=prices_of(root, params, evaluation.labels, rows.batches),
    )
    return slice_check(judged, params.gate, Pair(reference=evaluation.reference, challenger=CHALLENGER))
