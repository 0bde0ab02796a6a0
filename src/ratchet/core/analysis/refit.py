"""The recipe fitted to a part of the training rows, and what fixed rows say about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.analysis.learning_parts import RowSpan
from ratchet.core.analysis.records import FoldEstimates, LearningPoint
from ratchet.core.clusters import interval
from ratchet.core.evaluation import Scored, evaluate_rows
from ratchet.core.feature_table import TARGET, LabelledBatch, encode_target, known_labels, model_inputs
from ratchet.core.judged import clusters_of
from ratchet.core.learning import Fitted
from ratchet.core.metrics import Target, row_losses
from ratchet.core.params import Params, Task
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.scoring import score

Floats = NDArray[np.float64]
FIT = "fit"
"""What the model of a fold is called among the models of an evaluation."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The rows that every point of a curve is scored on, and the (n,) losses of the model trained on all rows."""

    task: Task
    metric: str
    alpha: float
    labels: Sequence[str]
    features: pd.DataFrame
    target: Target
    clusters: NDArray[np.object_] | None
    losses: Floats
    prices: Prices = NO_PRICES

    def point(self, span: RowSpan, names: Sequence[str], fitted: Fitted | None, why: str = "") -> LearningPoint:
        """How a model fitted to the span does on these rows; without one, `why` there is none.

        A model that has not seen every class cannot be compared with one that has, and is not scored.
        """
        if fitted is not None and list(fitted.labels) != list(self.labels):
            why = f"it has seen {len(fitted.labels)} of {len(self.labels)} classes"
            fitted = None
        losses = None if fitted is None else self._losses(fitted)
        return LearningPoint(
            order=span.order,
            rows=span.rows,
            first=names[0],
            last=names[-1],
            loss=None if losses is None else interval(losses, self.clusters, alpha=self.alpha),
            lag=None if losses is None else interval(losses - self.losses, self.clusters, alpha=self.alpha),
            note=why,
        )

    def _losses(self, fitted: Fitted) -> Floats:
        inputs = model_inputs(self.features, fitted.features)
        return row_losses(self.metric, self.target, score(fitted.pipeline, self.task, inputs), self.prices)


def fold_estimates(
    fitted: Fitted, batches: Mapping[str, LabelledBatch], *, batch: str, params: Params
) -> FoldEstimates:
    """Every metric of a fold's model on the batches that the fold scores, with intervals over their clusters.

    So is `gate.metric`, and what `evaluate.costs` declares by a matrix; functions need the rows as they came in.

    Rows of a class that no training row of the fold has are left out, as cross-validation leaves them out.
    """
    task, alpha = params.project.task, params.gate.alpha
    features = pd.concat([each.features for each in batches.values()], ignore_index=True)
    labels = pd.concat([each.labels for each in batches.values()], ignore_index=True)
    known = known_labels(labels[TARGET], fitted.labels, task)
    features, labels = features[known], labels[known]
    scores = score(fitted.pipeline, task, model_inputs(features, fitted.features))
    target = encode_target(labels[TARGET], fitted.labels, task)
    prices = Prices(task=task, declared=params.evaluate.costs, labels=fitted.labels)
    scored = Scored(
        target=target,
        models={FIT: scores},
        clusters=clusters_of(labels),
        pair=("", FIT),
        alpha=alpha,
        prices=prices,
    )
    rows = evaluate_rows(task, scored, prices.measurable([*params.evaluate.costs, params.gate.metric]))
    found = {row.name: row.models[FIT] for row in rows}
    left_out = int((~known).sum())
    return FoldEstimates(
        batch=batch,
        rows=len(target),
        values={name: estimate.value for name, estimate in found.items()},
        intervals=found,
        note=f"without {left_out:,} rows of classes that no batch before has" if left_out else "",
    )
