"""gate: promote, hold or reject, as a record with its evidence. Saying no is a result: the stage itself succeeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.comparison import Comparison, compare
from ratchet.core.decision import Evidence
from ratchet.core.feature_table import TARGET
from ratchet.core.gate import decide
from ratchet.core.judged import CHALLENGER, Evaluation, clusters_of, scores_of
from ratchet.core.metrics import row_losses
from ratchet.core.params import Gate
from ratchet.errors import UsageError
from ratchet.io import files, layout
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.io.tables import read_frame


def run(root: Path) -> None:
    """Write the decision record."""
    policy = read_params(root).gate
    folder = root / layout.EVALUATION
    evaluation = Evaluation.model_validate_json((folder / "evaluation.json").read_bytes())
    comparison, reason = _compare(read_frame(folder / "predictions.parquet"), evaluation, policy)
    evidence = Evidence(
        task=evaluation.task,
        metric=policy.metric,
        reference=evaluation.reference,
        champion=evaluation.champion,
        challenger_is_champion=evaluation.challenger_is_champion,
        refit=evaluation.refit,
        comparison=comparison,
        no_comparison=reason,
        challenger_metrics={row.name: row.models[CHALLENGER].value for row in evaluation.metrics},
        reference_metrics={
            row.name: row.models[evaluation.reference].value
            for row in evaluation.metrics
            if evaluation.reference in row.models
        },
        holdout=tuple(evaluation.holdout),
        contaminated=tuple(evaluation.contaminated),
        leakage=evaluation.leakage,
    )
    decision = decide(evidence, policy)
    files.write_json(root / layout.DECISION, decision.model_dump(mode="json"))
    say(f"gate: {decision.verdict}")


def _compare(table: pd.DataFrame, evaluation: Evaluation, policy: Gate) -> tuple[Comparison | None, str]:
    """The paired comparison of losses, or why there is none."""
    reference, challenger = scores_of(table, evaluation.reference), scores_of(table, CHALLENGER)
    if reference is None or challenger is None:
        return None, evaluation.no_comparison or "a model has no scores"
    target = table[TARGET].to_numpy(np.float64 if evaluation.task == "regression" else np.int64)
    try:
        compared = compare(
            row_losses(policy.metric, target, reference),
            row_losses(policy.metric, target, challenger),
            clusters_of(table),
            alpha=policy.alpha,
            margin=policy.margin_for(refit=evaluation.refit),
        )
    except UsageError as error:
        return None, error.message
    return compared, ""
