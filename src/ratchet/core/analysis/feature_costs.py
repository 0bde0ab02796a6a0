"""How much a model leans on each feature, with an interval: what each row loses when a feature is shuffled.

The means of `ratchet.core.change.importance`, row by row, so that rows of one cluster count as one observation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ratchet.core.analysis.records import FeatureCost
from ratchet.core.change.importance import Order, shuffled
from ratchet.core.clusters import interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model's input table of n rows, each row's cluster (None: independent), and the (n,) losses on such a table."""

    inputs: pd.DataFrame
    clusters: ArrayLike | None
    losses: Callable[[pd.DataFrame], Floats]


def feature_costs(model: Judged, random: np.random.Generator, *, repeats: int, alpha: float) -> Iterator[FeatureCost]:
    """Each feature in the order of the table, with the mean cost of `repeats` shuffles; all features share them.

    A feature that the model does not use costs exactly 0. Raises UsageError on a bad level or no rows.
    """
    orders: Sequence[Order] = [random.permutation(len(model.inputs)) for _ in range(repeats)]
    usual = model.losses(model.inputs)
    for name in map(str, model.inputs.columns):
        losses = [model.losses(shuffled(model.inputs, name, order)) for order in orders]
        yield FeatureCost(feature=name, cost=interval(np.mean(losses, axis=0) - usual, model.clusters, alpha=alpha))


def costliest_first(found: Sequence[FeatureCost]) -> tuple[FeatureCost, ...]:
    """By the mean cost; those whose cost is undefined come last."""
    return tuple(sorted(found, key=lambda each: np.inf if each.cost.value is None else -each.cost.value))
