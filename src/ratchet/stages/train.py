"""train: fit on all batches but the held-out ones, and walk forward over them for cross-validation."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.learning import Fitted, as_json, cross_validate, fit, spread
from ratchet.core.model_record import ModelRecord, Recipe
from ratchet.core.names import check_names
from ratchet.core.params import Params
from ratchet.core.split import plan_split
from ratchet.io import files, layout
from ratchet.io.batches import UnitStore
from ratchet.io.code import library_versions
from ratchet.io.features import lineage, read_batches
from ratchet.io.model_folder import MODEL, write_model, write_record
from ratchet.io.progress import say
from ratchet.io.room import read_params


def run(root: Path) -> None:
    """Write the model folder and the cross-validation metrics. Raises DataRefused if there is too little data."""
    params = read_params(root)
    check_names(params)
    store = UnitStore(root / layout.FEATURES)
    plan = plan_split(store.names(), holdout=params.split.holdout, folds=params.split.folds)
    batches = read_batches(store, plan.train)

    folds = cross_validate(batches, plan.folds, params)
    for name, metrics in folds.items():
        say(f"train fold {name}: {params.gate.metric} {metrics[params.gate.metric]:.4f}")
    files.write_json(root / layout.TRAIN_METRICS, {"folds": as_json(folds), "spread": as_json(spread(folds))})

    fitted = fit([batches[name] for name in plan.train], params)
    write(root / layout.MODEL, fitted, trained_on=lineage(store, plan.train), params=params)
    say(f"train: {params.model.estimator} on {fitted.rows:,} rows of {plan.train[0]} to {plan.train[-1]}")


def write(folder: Path, fitted: Fitted, *, trained_on: dict[str, str], params: Params) -> None:
    """Write the pipeline and its record."""
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
        model_digest=digest,
        libraries=library_versions(),
    )
    write_record(folder, record)
