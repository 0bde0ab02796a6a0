"""Everything that is looked for between the training rows and those that judge, in one pass over the training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ratchet.core.leakage.leaks import leaks, limit_of
from ratchet.core.leakage.limits import Leakage
from ratchet.core.leakage.order import OrderSearch
from ratchet.core.leakage.records import EXAMPLES, LeakageCheck, Pair, Telling
from ratchet.core.leakage.reproduction import strongest
from ratchet.core.leakage.rows import Rows, joined, text
from ratchet.core.leakage.twins import TwinSearch
from ratchet.core.params import Task

ENOUGH = 2_000
"""Rows on which features are looked at; of a smaller holdout, together with the newest training batches."""


def find(holdout: Rows, training: Iterable[Rows], *, task: Task, limits: Leakage) -> LeakageCheck:
    """Measure every kind of leakage; rows are shown for those alone that go beyond their limit.

    `training` gives one batch at a time, the oldest first.
    """
    twins, order, recent = TwinSearch(holdout), OrderSearch(holdout), [holdout]
    for batch in training:
        twins.add(batch)
        order.add(batch)
        recent = _enough([holdout, batch, *recent[1:]])
    looked_at = joined(recent)
    check = LeakageCheck(
        rows=len(holdout),
        training_rows=twins.training_rows,
        exact=twins.exact(),
        near=twins.near(),
        keys=twins.keys(),
        disorder=order.found(),
        telling=strongest(looked_at.features, looked_at.target, task),
    )
    return _showing(check, holdout, limits, task)


def _enough(parts: Sequence[Rows]) -> list[Rows]:
    """The first parts that together have enough rows: a small holdout alone shows what is luck."""
    before = np.cumsum([0, *map(len, parts)])
    return [part for part, rows in zip(parts, before, strict=False) if rows < ENOUGH]


def _showing(check: LeakageCheck, holdout: Rows, limits: Leakage, task: Task) -> LeakageCheck:
    """With rows for what is a leak, and without for what is none: keys may be personal, and git keeps a decision."""
    kinds = {leak.kind for leak in leaks(check, limits, task)}
    parts = {"exact": "duplicates", "near": "near_duplicates", "keys": "keys", "disorder": "overlap"}
    bare = {
        name: part.model_copy(update={"shown": ()})
        for name, kind in parts.items()
        if kind not in kinds and (part := getattr(check, name)) is not None
    }
    telling = [
        each.model_copy(update={"shown": _telling(holdout, each)})
        if each.value > limit_of(each, limits, task)
        else each
        for each in check.telling
    ]
    return check.model_copy(update={**bare, "telling": tuple(telling)})


def _telling(holdout: Rows, telling: Telling) -> tuple[Pair, ...]:
    """Judging rows with the feature beside the label, of as many labels as there is room for."""
    column = holdout.features.column(telling.feature)
    return tuple(
        Pair(
            holdout=(
                *holdout.names(row),
                (telling.feature, text(column[row].as_py()) or "missing"),
                ("label", text(holdout.target[row].as_py())),
            )
        )
        for row in _of_each_label(holdout.target.to_pylist())
    )


def _of_each_label(labels: Sequence[object]) -> list[int]:
    """A few rows: of all labels in turn, the first ones of each."""
    seen: dict[object, int] = {}
    ranked = []
    for row, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        ranked.append((seen[label], row))
    return sorted(row for _, row in sorted(ranked)[:EXAMPLES])
