"""train: fit on all batches but the held-out ones, and walk forward over them for cross-validation.

Open rows (`split.open`) take no part, neither in folds nor in the fit: they are for everybody to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratchet.core.feature_table import LabelledBatch
from ratchet.core.learning import Fitted, FoldScore, as_json, cross_validate, fit, spread
from ratchet.core.model_record import ModelRecord, Recipe
from ratchet.core.names import check_names
from ratchet.core.open_split import dealt_by
from ratchet.core.params import Params
from ratchet.core.seen import seen_in
from ratchet.core.split import plan_split
from ratchet.errors import DataRefused
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.code import library_versions
from ratchet.io.features import lineage, read_training
from ratchet.io.model_folder import MODEL, write_model, write_record
from ratchet.io.progress import say
from ratchet.io.room import read_params


def run(root: Path) -> None:
    """Write the model folder and the cross-validation metrics. Raises DataRefused if there is too little data."""
    params = read_params(root)
    check_names(params)
    store = UnitStore(root / layout.FEATURES)
    plan = plan_split(store.names(), holdout=params.split.holdout, folds=params.split.folds)
    batches = read_training(store, plan.train, params.split.open)
    if not batches:
        raise DataRefused(
            f"split.open {params.split.open:g} opens all rows of {plan.train[0]} to {plan.train[-1]}: none is left to "
            "train on",
            next_step="let more batches come, or open a smaller share in params.yaml",
        )

    folds = cross_validate(batches, plan.folds, params)
    for name, fold in folds.items():
        say(f"train fold {name}: {_told(fold, params.gate.metric)}")
    files.write_json(root / layout.TRAIN_METRICS, _metrics(folds))

    fitted = fit(list(batches.values()), params)
    if counts := fitted.treated.model_dump(exclude_defaults=True):
        files.write_json(root / layout.TRAIN_METRICS, {**_metrics(folds), "preprocessing": counts})
    write(root / layout.MODEL, fitted, batches=batches, trained_on=lineage(store, batches), params=params)
    say(f"train: {params.model.estimator} on {fitted.rows:,} rows of {plan.train[0]} to {plan.train[-1]}")
    for line in fitted.treated.lines():
        say(f"train: {line}")


def write(
    folder: Path, fitted: Fitted, *, batches: Mapping[str, LabelledBatch], trained_on: dict[str, str], params: Params
) -> None:
    """Write the pipeline and its record; `batches` are the rows that it was fitted to."""
    first = next(iter(batches.values()))
    digest = write_model(folder / MODEL, fitted.pipeline)
    record = ModelRecord(
        task=params.project.task,
        target=params.project.target,
        features=fitted.features,
        labels=fitted.labels,
        baseline=fitted.baseline,
        threshold=params.evaluate.threshold,
        recipe=Recipe(project=params.project, features=params.features, model=params.model),
        trained_on=trained_on,
        rows=fitted.rows,
        open=params.split.open,
        open_by=dealt_by(params.split.cluster, first.labels.columns) if params.split.open else "",
        model_digest=digest,
        libraries=library_versions(),
        preprocessing=fitted.treated,
        seen=seen_in([batch.features for batch in batches.values()], fitted.features),
    )
    write_record(folder, record)


def _told(fold: FoldScore, metric: str) -> str:
    if not fold.metrics:
        return f"not scored: the batches before it lack classes of its {fold.rows:,} rows"
    # A function of the room prices rows as they came in, which training does not read.
    shown = metric if metric in fold.metrics else next(iter(fold.metrics))
    found = f"{shown} {fold.metrics[shown]:.4f}"
    if fold.unscored:
        return f"{found}, but for {fold.unscored:,} of {fold.rows:,} rows: no batch before has their class"
    return found


def _metrics(folds: Mapping[str, FoldScore]) -> dict[str, Any]:
    """For `dvc metrics`."""
    scored = {name: fold.metrics for name, fold in folds.items() if fold.metrics}
    unscored = {name: fold.unscored for name, fold in folds.items() if fold.unscored}
    return {
        "folds": as_json(scored),
        "spread": as_json(spread(scored)),
        **({"unscored": unscored} if unscored else {}),
    }
