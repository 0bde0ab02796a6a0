"""evaluate: challenger and champion score the same held-out rows, which neither was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ratchet.core.curves import classification_report, confusion, curves, predicted_labels
from ratchet.core.evaluation import MetricRow, evaluate
from ratchet.core.feature_table import TARGET, LabelledBatch, encode_target, model_inputs
from ratchet.core.judged import (
    BASELINE,
    CHALLENGER,
    CHAMPION,
    Evaluation,
    clusters_of,
    predictions_table,
)
from ratchet.core.metrics import Target, row_losses
from ratchet.core.model_record import ModelRecord
from ratchet.core.params import Params
from ratchet.core.scoring import Scores, baseline_scores, score
from ratchet.core.split import plan_split
from ratchet.errors import DataRefused
from ratchet.io import files, layout, model_folder
from ratchet.io.batches import UnitStore
from ratchet.io.champion import Champion, read_champion
from ratchet.io.features import features_for, lineage, read_batches
from ratchet.io.leakage import find_leakage
from ratchet.io.other_room import same_room
from ratchet.io.pictures import draw_confusion, draw_curves, draw_gain_by_cluster, draw_residuals
from ratchet.io.progress import say
from ratchet.io.room import read_params
from ratchet.io.tables import write_frame


def run(root: Path) -> None:
    """Write predictions, metrics with intervals, curves and pictures of the held-out batches."""
    params = read_params(root)
    store = UnitStore(root / layout.FEATURES)
    plan = plan_split(store.names(), holdout=params.split.holdout, folds=params.split.folds)
    batches = read_batches(store, plan.holdout)
    labels = pd.concat([batch.labels for batch in batches.values()], ignore_index=True)
    challenger, champion = model_folder.read(root / layout.MODEL), read_champion(root / layout.CHAMPION)
    record = challenger.record
    target = encode_target(labels[TARGET], record.labels, record.task)

    models = {CHALLENGER: score(challenger.pipeline, record.task, model_inputs(_features(batches), record.features))}
    reason = ""
    if champion is None:
        models[BASELINE] = baseline_scores(record, len(target))
    else:
        try:
            models[CHAMPION] = _champion_scores(root, champion, batches, record)
        except DataRefused as refused:
            reason = refused.message
    refit = champion is not None and _is_refit(root, record, champion, params)
    judged = lineage(store, plan.holdout)
    table = predictions_table(labels, target, models)
    with files.new_folder(root / layout.EVALUATION) as folder:
        metrics = evaluate(
            record.task,
            target,
            models,
            clusters=clusters_of(table),
            pair=(BASELINE if champion is None else CHAMPION, CHALLENGER),
            alpha=params.gate.alpha,
        )
        evaluation = _evaluation(record, champion, judged, table=table, metrics=metrics, refit=refit, reason=reason)
        evaluation = evaluation.model_copy(update={"leakage": find_leakage(root, plan, params)})
        write_frame(folder / "predictions.parquet", table)
        files.write_json(folder / "evaluation.json", evaluation.model_dump())
        _write_plots(folder, target, models, params=params, labels=record.labels)
        _write_gain(folder, table, target, models, metric=params.gate.metric)
    files.write_json(root / layout.EVALUATE_METRICS, _flat(metrics))
    say(f"evaluate: {len(target):,} rows of {', '.join(plan.holdout)}, {' and '.join(models)}")


def _champion_scores(
    root: Path, champion: Champion, batches: Mapping[str, LabelledBatch], challenger: ModelRecord
) -> Scores:
    """The champion's scores, from features made by the room's code it was trained with. Raises DataRefused."""
    record = champion.model.record
    if (record.task, record.labels) != (challenger.task, challenger.labels):
        raise DataRefused(
            f"the champion predicts {record.task} {record.labels}, "
            f"the challenger {challenger.task} {challenger.labels}: their losses cannot be compared"
        )
    features = features_for(root, root / layout.CHAMPION, batches)
    return score(champion.model.pipeline, record.task, model_inputs(features, record.features))


def _is_refit(root: Path, challenger: ModelRecord, champion: Champion, params: Params) -> bool:
    """Whether only the data is newer: the champion's room, recipe and libraries are the challenger's."""
    room, other = Path("src") / params.project.room, champion.model.record
    same_code = same_room(root / layout.CHAMPION / room, root / room)
    return same_code and (other.recipe, other.libraries) == (challenger.recipe, challenger.libraries)


def _features(batches: Mapping[str, LabelledBatch]) -> pd.DataFrame:
    return pd.concat([batch.features for batch in batches.values()], ignore_index=True)


def _evaluation(
    record: ModelRecord,
    champion: Champion | None,
    judged: dict[str, str],
    *,
    table: pd.DataFrame,
    metrics: list[MetricRow],
    refit: bool,
    reason: str,
) -> Evaluation:
    seen = {**record.trained_on, **(champion.entry.trained_on if champion else {})}
    digests = set(seen.values())
    clusters = clusters_of(table)
    return Evaluation(
        task=record.task,
        labels=record.labels,
        reference=CHAMPION if champion else BASELINE,
        champion=champion.entry.version if champion else None,
        champion_entry=champion.entry.hash if champion else None,
        challenger_is_champion=bool(champion and champion.model.record.model_digest == record.model_digest),
        refit=refit,
        no_comparison=reason,
        holdout=judged,
        contaminated=[name for name, digest in judged.items() if name in seen or digest in digests],
        rows=len(table),
        clusters=None if clusters is None else len(np.unique(clusters)),
        metrics=metrics,
    )


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


def _write_gain(
    folder: Path, table: pd.DataFrame, target: Target, models: Mapping[str, Scores], *, metric: str
) -> None:
    """The gate metric's mean gain per cluster, as CSV and PNG, where there are clusters."""
    reference = CHAMPION if CHAMPION in models else BASELINE
    clusters = clusters_of(table)
    if clusters is None or reference not in models:
        return
    saved = row_losses(metric, target, models[reference]) - row_losses(metric, target, models[CHALLENGER])
    gains = pd.Series(saved).groupby(clusters).mean()
    files.write_text(folder / "gain.csv", gains.rename_axis("cluster").rename("gain").to_csv())
    draw_gain_by_cluster(
        folder / "gain.png",
        [str(name) for name in gains.index],
        np.asarray(gains.to_numpy(), dtype=np.float64),
        reference,
    )
