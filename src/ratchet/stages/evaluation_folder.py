"""`data/evaluation/`: the rows that are looked at, as tables, numbers and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.curves import classification_report, confusion, curves, predicted_labels
from ratchet.core.decision import BASELINE, CHALLENGER, CHAMPION
from ratchet.core.findings import MetricRow
from ratchet.core.judged import Evaluation
from ratchet.core.metrics import Target, row_losses
from ratchet.core.params import Params
from ratchet.core.scoring import Scores
from ratchet.io import files, layout
from ratchet.io.pictures import draw_confusion, draw_curves, draw_gain_by_cluster, draw_residuals
from ratchet.io.tables import write_frame
from ratchet.stages.scored_rows import ScoredRows


def write_evaluation(root: Path, rows: ScoredRows, evaluation: Evaluation, params: Params) -> None:
    """Write the folder, and the metrics that git holds."""
    with files.new_folder(root / layout.EVALUATION) as folder:
        write_frame(folder / "predictions.parquet", rows.predictions)
        files.write_json(folder / "evaluation.json", evaluation.model_dump())
        _write_plots(folder, rows.target, rows.scores, params=params, labels=evaluation.labels)
        _write_gain(folder, rows, metric=params.gate.metric)
    files.write_json(root / layout.EVALUATE_METRICS, _flat(evaluation.metrics))


def _flat(metrics: list[MetricRow]) -> dict[str, dict[str, float | None]]:
    """For `dvc metrics`: each model's estimates, and the gains."""
    out: dict[str, dict[str, float | None]] = {}
    for row in metrics:
        for model, estimate in row.models.items():
            out.setdefault(model, {})[row.name] = estimate.value
        if row.gain:
            out.setdefault("gain", {})[row.name] = row.gain.value
    return out


def _write_plots(
    folder: Path, target: Target, models: Mapping[str, Scores], *, params: Params, labels: list[str]
) -> None:
    """Points as CSV for `dvc plots`, and the same as PNG."""
    task = params.project.task
    if task == "regression":
        draw_residuals(folder / "predicted.png", target, {name: scores[:, 0] for name, scores in models.items()})
        return
    predicted = predicted_labels(models[CHALLENGER], task, params.evaluate.threshold)
    draw_confusion(folder / "confusion.png", confusion(target, predicted, labels))
    files.write_text(folder / "classification_report.txt", classification_report(target, predicted, labels))
    names = np.array(labels)
    files.write_text(
        folder / "confusion.csv",
        pd.DataFrame({"actual": names[target], "predicted": names[predicted]}).to_csv(index=False),
    )
    points = {name: curves(task, target, scores) for name, scores in models.items() if name != BASELINE}
    for name, table in points[CHALLENGER].items():
        files.write_text(folder / f"{name}.csv", table.to_csv(index=False))
    if points[CHALLENGER]:
        draw_curves(folder / "curves.png", points)


def _write_gain(folder: Path, rows: ScoredRows, *, metric: str) -> None:
    """The gate metric's mean gain per cluster, as CSV and PNG, where there are clusters."""
    models, clusters = rows.scores, rows.clusters
    reference = CHAMPION if CHAMPION in models else BASELINE
    if clusters is None or reference not in models:
        return
    before, after = (row_losses(metric, rows.target, models[name], rows.prices) for name in (reference, CHALLENGER))
    saved = before - after
    gains = pd.Series(saved).groupby(clusters).mean()
    files.write_text(folder / "gain.csv", gains.rename_axis("cluster").rename("gain").to_csv())
    draw_gain_by_cluster(
        folder / "gain.png",
        [str(name) for name in gains.index],
        np.asarray(gains.to_numpy(), dtype=np.float64),
        reference,
    )
