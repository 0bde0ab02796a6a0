"""Challenger and reference on the same rows: the rows that are looked at, or those that judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from numpy.typing import NDArray

from ratchet.core.comparison import compare
from ratchet.core.decision import BASELINE, CHALLENGER, CHAMPION
from ratchet.core.evaluation import Scored, evaluate_rows
from ratchet.core.evidence.asked import metrics_asked
from ratchet.core.feature_table import TARGET, LabelledBatch, encode_target, model_inputs
from ratchet.core.findings import Comparison, MetricRow
from ratchet.core.judged import clusters_of, predictions_table
from ratchet.core.metrics import Target, row_losses
from ratchet.core.model_record import ModelRecord
from ratchet.core.params import Params
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.scoring import Scores, baseline_scores, score
from ratchet.errors import DataRefused, UsageError
from ratchet.io import layout, model_folder
from ratchet.io.champion import Champion, read_champion
from ratchet.io.features import features_for
from ratchet.io.model_folder import LoadedModel
from ratchet.io.other_room import same_room
from ratchet.io.prices import prices_of
from ratchet.io.room import room_folder


@dataclass(frozen=True, kw_only=True)
class Models:
    """The project's model and what serves, if anything does; `refit`: only the data is newer."""

    root: Path
    challenger: LoadedModel
    champion: Champion | None
    refit: bool
    params: Params

    @property
    def reference(self) -> Literal["champion", "baseline"]:
        """What the challenger is compared with."""
        return BASELINE if self.champion is None else CHAMPION


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """Rows in one order: labels (key, cluster, label), targets, and by model its inputs and scores.

    `no_comparison` says why the champion has no scores; empty if it has, or if nothing serves.
    """

    batches: Mapping[str, LabelledBatch]
    labels: pd.DataFrame
    target: Target
    inputs: Mapping[str, pd.DataFrame]
    scores: Mapping[str, Scores]
    no_comparison: str
    prices: Prices = NO_PRICES

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One line per row: key, cluster, encoded target, scores."""
        return predictions_table(self.labels, self.target, self.scores)

    @cached_property
    def clusters(self) -> NDArray[Any] | None:
        """(n,) the name of each row's cluster; None where rows are independent."""
        return clusters_of(self.labels)


def read_models(root: Path, params: Params) -> Models:
    """The model that training made, and the champion. Raises ServiceFailed, TamperedFile."""
    challenger, champion = model_folder.read(root / layout.MODEL), read_champion(root / layout.CHAMPION)
    refit = champion is not None and _is_refit(root, challenger.record, champion, params)
    return Models(root=root, challenger=challenger, champion=champion, refit=refit, params=params)


def score_rows(
    models: Models, batches: Mapping[str, LabelledBatch], *, require_unseen: Callable[[ModelRecord], None] | None = None
) -> ScoredRows:
    """Both models' scores of the rows of `batches`; a model that `require_unseen` refuses is not scored.

    Raises DataRefused for a class that the challenger does not know, or features that it needs and that are not there.
    """
    record = models.challenger.record
    labels = pd.concat([batch.labels for batch in batches.values()], ignore_index=True)
    target = encode_target(labels[TARGET], record.labels, record.task)
    features = pd.concat([batch.features for batch in batches.values()], ignore_index=True)
    inputs = {CHALLENGER: model_inputs(features, record.features)}
    scores = {CHALLENGER: score(models.challenger.pipeline, record.task, inputs[CHALLENGER])}
    reason = ""
    if models.champion is None:
        scores[BASELINE] = baseline_scores(record, len(target))
    else:
        try:
            inputs[CHAMPION] = _champion_inputs(models, batches, require_unseen)
            scores[CHAMPION] = score(models.champion.model.pipeline, record.task, inputs[CHAMPION])
        except DataRefused as refused:
            reason = refused.message
    return ScoredRows(
        batches=batches,
        labels=labels,
        target=target,
        inputs=inputs,
        scores=scores,
        no_comparison=reason,
        prices=prices_of(models.root, models.params, record.labels, batches),
    )


def measured(rows: ScoredRows, models: Models, params: Params) -> list[MetricRow]:
    """Every metric with its interval, and the challenger's gain."""
    scored = Scored(
        target=rows.target,
        models=rows.scores,
        clusters=rows.clusters,
        pair=(models.reference, CHALLENGER),
        alpha=params.gate.alpha,
        prices=rows.prices,
    )
    return evaluate_rows(params.project.task, scored, metrics_asked(params.gate, params.project.task))


def compared(rows: ScoredRows, models: Models, params: Params) -> tuple[Comparison | None, str]:
    """The paired comparison of losses in the gate's metric, or why there is none."""
    reference, policy = rows.scores.get(models.reference), params.gate
    if reference is None:
        return None, rows.no_comparison or "a model has no scores"
    try:
        found = compare(
            row_losses(policy.metric, rows.target, reference, rows.prices),
            row_losses(policy.metric, rows.target, rows.scores[CHALLENGER], rows.prices),
            rows.clusters,
            alpha=policy.alpha,
            margin=policy.margin_for(refit=models.refit),
        )
    except UsageError as error:
        return None, error.message
    return found, ""


def _champion_inputs(
    models: Models, batches: Mapping[str, LabelledBatch], require_unseen: Callable[[ModelRecord], None] | None
) -> pd.DataFrame:
    """From features made by the room's code it was trained with. Raises DataRefused."""
    if models.champion is None:
        raise DataRefused("nothing serves")
    record, challenger = models.champion.model.record, models.challenger.record
    if (record.task, record.labels) != (challenger.task, challenger.labels):
        raise DataRefused(
            f"the champion predicts {record.task} {record.labels}, "
            f"the challenger {challenger.task} {challenger.labels}: their losses cannot be compared"
        )
    if require_unseen:
        require_unseen(record)
    features = features_for(models.root, models.root / layout.CHAMPION, batches)
    return model_inputs(features, record.features)


def _is_refit(root: Path, challenger: ModelRecord, champion: Champion, params: Params) -> bool:
    """Whether only the data is newer: the champion's room, recipe and libraries are the challenger's."""
    room, other = params.project.room, champion.model.record
    same_code = same_room(room_folder(root / layout.CHAMPION, room), room_folder(root, room))
    return same_code and (other.recipe, other.libraries) == (challenger.recipe, challenger.libraries)
