"""The recipe fitted to growing parts of the training rows: folds with intervals, and a learning curve, in one walk.

A fold of cross-validation trains on everything before a batch, which is a point of the learning curve, too: one fit
serves both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.core.analysis.learning_parts import RowSpan, part, spans
from ratchet.core.analysis.records import FoldEstimates, LearningPoint, Order
from ratchet.core.analysis.refit import Reference, fold_estimates
from ratchet.core.clusters import interval
from ratchet.core.deliveries import deliveries
from ratchet.core.feature_table import LabelledBatch
from ratchet.core.learning import Fitted, fit
from ratchet.core.report.text import duration
from ratchet.core.split import Fold, plan_split
from ratchet.errors import DataRefused
from ratchet.flows.counterfactual import HeldOut
from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.features import read_training

Say = Callable[[str], None]
NOT_AGAIN = "not fitted again: no interval"


@dataclass
class Budget:
    """Seconds that fits may take; what one takes is estimated from the largest so far, row for row."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    largest: int = 0
    each_row: float | None = None

    @property
    def spent(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self.started

    def allows(self, rows: int) -> bool:
        """Whether a fit of so many rows ends in time, as far as is known."""
        return self.spent + rows * (self.each_row or 0.0) < self.seconds

    def fitted(self, rows: int, seconds: float) -> None:
        """Learn from a fit: a small one is mostly overhead."""
        if rows > self.largest:
            self.largest, self.each_row = rows, seconds / rows


@dataclass(frozen=True, kw_only=True)
class Refits:
    """What the walk found; `note` says what the time did not reach."""

    folds: tuple[FoldEstimates, ...]
    points: tuple[LearningPoint, ...]
    note: str


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """The training batches in their order, the parts of them, and the folds by the number of rows before them."""

    rows: HeldOut
    train: Mapping[str, LabelledBatch]
    spans: tuple[RowSpan, ...]
    folds: Mapping[int, Fold]


def refits(rows: HeldOut, reference: Reference, budget: Budget, say: Say) -> Refits:
    """Walk over the training rows as long as the budget lasts, the smallest parts first.

    What is left out is named, and folds that were not fitted again keep the values that training wrote.
    """
    walk = _walk(rows)
    folds, points, left_out = {}, [], []
    for number, span in enumerate(walk.spans, start=1):
        names = list(part(walk.train, span))
        if not budget.allows(span.rows):
            left_out.append(span)
            continue
        say(f"fit {number} of {len(walk.spans)}: {span.rows:,} rows of {names[0]} to {names[-1]}, {span.order}")
        fitted, why = _fit(walk, span, budget)
        points.append(reference.point(span, names, fitted, why))
        if fitted is not None and span.order == "oldest first" and (fold := walk.folds.get(span.stop)):
            batches = {name: walk.train[name] for name in fold.test if name in walk.train}
            if batches:
                folds[fold.test[0]] = fold_estimates(fitted, batches, batch=fold.test[0], params=rows.params)
    return Refits(
        folds=tuple(_with_known(rows.root, walk, folds)),
        points=(*points, *_whole(walk, reference)),
        note=_note(left_out, len(walk.spans), budget),
    )


def _walk(rows: HeldOut) -> _Walk:
    store, split = UnitStore(rows.root / layout.FEATURES), rows.params.split
    plan = plan_split(store.names(), holdout=split.holdout, folds=split.folds)
    train = read_training(store, plan.train, split.open)
    sizes = [sum(len(train[name].labels) for name in together if name in train) for together in deliveries(plan.train)]
    before = {len(deliveries(fold.train)): fold for fold in plan.folds}
    return _Walk(
        rows=rows,
        train=train,
        spans=tuple(spans(sizes, needed=list(before))),
        folds={sum(sizes[:count]): fold for count, fold in before.items()},
    )


def _fit(walk: _Walk, span: RowSpan, budget: Budget) -> tuple[Fitted | None, str]:
    """The fitted recipe, or why it cannot be fitted to these rows."""
    started = time.monotonic()
    try:
        fitted = fit(list(part(walk.train, span).values()), walk.rows.params)
    except DataRefused as refused:
        return None, refused.message
    budget.fitted(span.rows, time.monotonic() - started)
    return fitted, ""


def _whole(walk: _Walk, reference: Reference) -> list[LearningPoint]:
    """Where both curves end: the model itself, which is not fitted again."""
    names, alpha = list(walk.train), reference.alpha
    orders: tuple[Order, ...] = ("oldest first", "newest first")
    return [
        LearningPoint(
            order=order,
            rows=sum(len(batch.labels) for batch in walk.train.values()),
            first=names[0],
            last=names[-1],
            loss=interval(reference.losses, reference.clusters, alpha=alpha),
            lag=interval(reference.losses * 0.0, reference.clusters, alpha=alpha),
        )
        for order in orders
    ]


def _with_known(root: Path, walk: _Walk, folds: Mapping[str, FoldEstimates]) -> list[FoldEstimates]:
    """All folds in their order; of those that were not fitted again, what training wrote of them."""
    written = _written(root)
    return [
        folds.get(name)
        or FoldEstimates(
            batch=name,
            rows=0,
            values=written.get(name, {}),
            intervals={},
            note=NOT_AGAIN if name in written else "not scored: the batches before it lack classes",
        )
        for name in (fold.test[0] for fold in walk.folds.values())
    ]


def _written(root: Path) -> Mapping[str, Mapping[str, Any]]:
    path = root / layout.TRAIN_METRICS
    folds: Mapping[str, Mapping[str, Any]] = (
        json.loads(path.read_text(encoding="utf-8")).get("folds", {}) if path.is_file() else {}
    )
    return folds


def _note(left_out: list[RowSpan], planned: int, budget: Budget) -> str:
    """What the time did not reach; empty if it reached everything."""
    if not left_out:
        return ""
    rows = ", ".join(f"{span.rows:,}" for span in left_out)
    each = f", the next about {duration(left_out[0].rows * budget.each_row)}" if budget.each_row else ""
    return (
        f"stopped after {planned - len(left_out)} of {planned} fits: {duration(budget.seconds)} were allowed, "
        f"{duration(budget.spent)} are spent{each}; left out: parts of {rows} rows"
    )
