"""How much a model leans on each feature: what it loses when that feature's values are shuffled among the rows.

Permutation importance (Breiman, Machine Learning 45, 2001; Fisher, Rudin and Dominici, JMLR 20, 2019), in the loss of
the gate's metric. Both models are shuffled alike, so that what differs is the models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.change.records import Importance

Order = NDArray[np.intp]

SAMPLE_ROWS = 4_000
"""Rows that are scored, once per feature, repeat and model."""
REPEATS = 2
"""Shuffles per feature: a shuffle of thousands of rows is near enough to all of them."""


@dataclass(frozen=True)
class Scored:
    """A model's input table for the rows, and the mean loss of the model on such a table."""

    inputs: pd.DataFrame
    loss: Callable[[pd.DataFrame], float]


def sample(rows: int, random: np.random.Generator, *, most: int = SAMPLE_ROWS) -> Order:
    """At most `most` of `rows` row numbers, ascending.

    Rows are drawn one by one, not by whole clusters: for a mean, rows from every cluster say more than all rows of a
    few. An interval over clusters holds all the same: what rows were left out of a cluster is part of its noise.
    """
    return np.sort(random.choice(rows, size=min(rows, most), replace=False))


def feature_importance(
    base: Scored, change: Scored, random: np.random.Generator, *, repeats: int = REPEATS
) -> tuple[Importance, ...]:
    """Each feature that a model takes, by how much its importance changed, the largest change first, then the largest.

    The tables hold the same rows in the same order. None stands for a model that does not take the feature, and
    counts as 0 in the order.
    """
    orders = [random.permutation(len(base.inputs)) for _ in range(repeats)]
    before, after = _costs(base, orders), _costs(change, orders)
    found = [
        Importance(feature=name, base=before.get(name), change=after.get(name)) for name in sorted({*before, *after})
    ]
    return tuple(sorted(found, key=_order))


def shuffled(table: pd.DataFrame, name: str, order: Order) -> pd.DataFrame:
    """The same rows with the values of the feature `name` dealt anew: row i has those of row order[i]."""
    return table.assign(**{name: table[name].array.take(order)})


def _order(found: Importance) -> tuple[float, float]:
    base, change = found.base or 0.0, found.change or 0.0
    return -abs(change - base), -max(base, change)


def _costs(model: Scored, orders: Sequence[Order]) -> dict[str, float]:
    """By feature: the mean loss with its values shuffled, less the loss as they are. What overflows is left out."""
    usual = model.loss(model.inputs)
    costs = {
        str(name): float(np.mean([model.loss(shuffled(model.inputs, name, order)) for order in orders])) - usual
        for name in model.inputs.columns
    }
    return {name: cost for name, cost in costs.items() if math.isfinite(cost)}
