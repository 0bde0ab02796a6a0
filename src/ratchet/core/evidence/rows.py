"""The rows that judge, with everything that is measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.clusters import Groups, group
from ratchet.core.metrics import Target
from ratchet.core.params import Task
from ratchet.core.prices import NO_PRICES, Prices
from ratchet.core.scoring import Scores

if TYPE_CHECKING:
    import pandas as pd

Bools = NDArray[np.bool_]


class Pair(NamedTuple):
    """The names of the two models that are compared, among those of the scores."""

    reference: str
    challenger: str


@dataclass(frozen=True, kw_only=True)
class JudgedRows:
    """(n,) rows in one order: targets, scores by model, clusters (None: independent), and a table of columns.

    `table` holds the features, and the columns of the raw rows that the policy names (`asked.columns_asked`), one row
    per judged row. `threshold` is the probability from which on a binary model says yes (`evaluate.threshold`),
    and `prices` what the rows cost by `evaluate.costs`.
    """

    task: Task
    target: Target
    scores: Mapping[str, Scores]
    clusters: NDArray[Any] | None
    table: pd.DataFrame
    threshold: float = 0.5
    prices: Prices = NO_PRICES

    @cached_property
    def groups(self) -> Groups:
        """Each row's cluster by number. Raises UsageError on a missing cluster."""
        return group(self.clusters, len(self.target))

    @property
    def cluster_numbers(self) -> NDArray[np.intp] | None:
        """(n,) the same, or None where rows are independent: names are slow to sort, and every statistic sorts them."""
        return None if self.clusters is None else self.groups.codes

    def has(self, pair: Pair) -> bool:
        """Whether both models scored the rows."""
        return self.scores.keys() >= set(pair)

    def only(self, chosen: Bools) -> Self:
        """The rows that an (n,) mask chooses."""
        return replace(
            self,
            target=self.target[chosen],
            scores={name: scores[chosen] for name, scores in self.scores.items()},
            clusters=None if self.clusters is None else self.clusters[chosen],
            table=self.table[chosen],
            prices=self.prices.only(chosen),
        )
