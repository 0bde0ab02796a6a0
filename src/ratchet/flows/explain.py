"""Single predictions of the model that the last run made, taken apart by feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.analysis.column_sources import column_sources
from ratchet.core.analysis.explanation import RowName, TakenApart, explain
from ratchet.core.analysis.parts import Kind, Parts, kind_of, linear_parts, margins, naive_bayes_parts
from ratchet.core.analysis.records import Explanations
from ratchet.core.feature_table import LabelledBatch, model_inputs
from ratchet.core.scoring import score
from ratchet.errors import UsageError, did_you_mean
from ratchet.flows.counterfactual import HeldOut
from ratchet.flows.open_rows import open_rows
from ratchet.io import files, layout
from ratchet.io.analysis_page import render_explanations
from ratchet.io.batches import UnitStore
from ratchet.io.features import read_training
from ratchet.io.room import read_schema
from ratchet.io.rows_to_explain import RowsOfFile, matches, rows_of_file
from ratchet.io.shap_trees import tree_parts
from ratchet.settings import Settings

PAGE, RECORD = "explanation.html", "explanation.json"
MOST = 20
"""Rows that are explained at most: a page of more is read by nobody."""
BACKGROUND_ROWS = 20_000
"""Training rows whose mean is the average row, evenly spread over all of them."""
METHODS: Mapping[Kind, str] = {
    "trees": "Shapley values of the trees by shap: what is not known takes each branch as often as training rows did",
    "linear": "Shapley values of a linear model: each coefficient times the distance from the training rows' mean",
    "naive bayes": "Shapley values of an additive model: each feature's log density less its mean over training rows",
}

Columns = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which rows: a file, or a key as people type it; which class, if not the likeliest one; where to write."""

    what: str
    label: str = ""
    lookups: Mapping[str, Path] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Answer:
    """The explanations, and the files that show them."""

    found: Explanations
    paths: tuple[Path, ...]


def explain_rows(settings: Settings, question: Question) -> Answer:
    """Take the predictions apart.

    Raises UsageError where the estimator does not allow it, where there is no such row or class, or where shap is not
    installed; ServiceFailed if nothing was run here, or if contributions do not add up to the prediction.
    """
    rows = open_rows(settings.root)
    record = rows.own.record
    kind = kind_of(record.recipe.model.estimator)
    _require_class(record.labels, question.label)
    features, names, notes = _asked(rows, question)
    table = model_inputs(features.head(MOST), record.features)
    apart = _taken_apart(rows, table, names[:MOST], kind)
    found = Explanations(
        project=record.recipe.project.name,
        target=record.target,
        model=record.model_digest,
        estimator=record.recipe.model.estimator,
        method=METHODS[kind],
        explained=tuple(explain(apart, record.labels, question.label)),
        left_out=max(len(features) - MOST, 0),
        notes=notes,
    )
    folder = question.folder or settings.root / layout.REPORTS
    paths = folder / PAGE, folder / RECORD
    files.write_text(paths[0], render_explanations(found))
    files.write_json(paths[1], found.model_dump(mode="json"))
    return Answer(found, paths)


def _asked(rows: HeldOut, question: Question) -> RowsOfFile:
    path = Path(question.what)
    if path.is_file():
        return rows_of_file(rows.root, rows.params, rows.own.record.features, path, question.lookups)
    if path.suffix in (".csv", ".parquet"):
        raise UsageError(f"there is no file {path}", next_step="name a file with rows, or the key of a row")
    if question.lookups:
        raise UsageError("lookups come with rows of a file, and a key was given", next_step="leave --lookup out")
    return _by_key(rows, question.what)


def _by_key(rows: HeldOut, wanted: str) -> RowsOfFile:
    """Rows with this key among those that may be looked at, and among those that were trained on."""
    key = read_schema(rows.root, rows.params).rows.key
    found, names = [], []
    for batch, each, trained in _searched(rows):
        hits = matches(each.labels, key, wanted.split(","))
        found.append(each.features[hits])
        names += [RowName(wanted, batch=batch, trained_on=trained)] * int(hits.sum())
    if not names:
        batches = ", ".join([*rows.batches, *rows.own.record.trained_on])
        raise UsageError(
            f"no labelled row of {batches} has the key {','.join(key)} = {wanted}",
            next_step="ratchet data show names batches; or give a file with rows: ratchet explain rows.csv",
        )
    return RowsOfFile(pd.concat(found, ignore_index=True), names, ())


def _searched(rows: HeldOut) -> Iterable[tuple[str, LabelledBatch, bool]]:
    """Parts of batches, and whether the model was trained on them."""
    yield from ((name, batch, False) for name, batch in rows.batches.items())
    store, record = UnitStore(rows.root / layout.FEATURES), rows.own.record
    for name in record.trained_on:
        yield from ((name, batch, True) for batch in read_training(store, [name], record.open).values())


def _taken_apart(rows: HeldOut, table: pd.DataFrame, names: list[RowName], kind: Kind) -> TakenApart:
    pipeline, record = rows.own.pipeline, rows.own.record
    preprocess, estimator = pipeline[:-1], pipeline[-1]
    columns = _columns(preprocess, table)
    found, unit = margins(estimator, columns)
    return TakenApart(
        names=names,
        table=table,
        sources=column_sources(pipeline[0]),
        parts=_parts(rows, kind, columns),
        margins=found,
        unit=unit,
        scores=score(pipeline, record.task, table),
    )


def _parts(rows: HeldOut, kind: Kind, columns: Columns) -> Parts:
    estimator = rows.own.pipeline[-1]
    if kind == "trees":
        return tree_parts(estimator, columns)
    background = _columns(rows.own.pipeline[:-1], _background(rows))
    return (linear_parts if kind == "linear" else naive_bayes_parts)(estimator, columns, background)


def _background(rows: HeldOut) -> pd.DataFrame:
    """Training rows, evenly spread over all batches."""
    record = rows.own.record
    every = max(record.rows // BACKGROUND_ROWS, 1)
    store = UnitStore(rows.root / layout.FEATURES)
    picked = [
        each.features.iloc[::every]
        for batch in record.trained_on
        for each in read_training(store, [batch], record.open).values()
    ]
    return model_inputs(pd.concat(picked, ignore_index=True), record.features)


def _columns(preprocess: Any, table: pd.DataFrame) -> Columns:
    return np.asarray(preprocess.transform(table), dtype=np.float64)


def _require_class(labels: list[str], label: str) -> None:
    if label and label not in labels:
        raise UsageError(
            f"the model knows no class {label!r}{did_you_mean(label, labels)}",
            next_step=f"name one of {', '.join(labels)}"
            if labels
            else "a regression has no classes: leave --label out",
        )
