"""What a metric is: a number about (target, scores), with its direction, its span and its meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.cost_params import earns
from ratchet.core.params import Task
from ratchet.core.ranking import Parts
from ratchet.core.scoring import Scores

Target = NDArray[np.int64] | NDArray[np.float64]
"""(n,) class indices into the labels, or (n,) values for regression."""
Floats = NDArray[np.float64]
RowLoss = Callable[[Target, Scores], Floats]
Statistic = Callable[[Target, Scores], float]
OfParts = Callable[[Target, Scores], Parts]


@dataclass(frozen=True)
class Metric:
    """A number about (target, scores): where it lies, which way is better, and its meaning in one line.

    `function` is NaN where the rows leave the metric undefined, and where a target or score is not finite.
    `row_loss`, where there is one, gives one loss per row, of which the metric is the mean; of a metric that is better
    higher it is minus the mean.
    `shared`, where there is one, gives the metric of any part of finite rows, with what all parts share computed once.
    """

    name: str
    tasks: frozenset[Task]
    direction: Literal["higher", "lower", "target"]
    ideal: float
    span: tuple[float, float]
    meaning: str
    function: Statistic
    row_loss: RowLoss | None = None
    shared: OfParts | None = None

    def of_parts(self, target: Target, scores: Scores) -> Parts:
        """What `function` gives of the rows that a mask chooses, in the shortest way."""
        if self.shared is None or not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return lambda rows: self.function(target[rows], scores[rows])
        return self.shared(target, scores)

    def of_losses(self, losses: Floats) -> Floats:
        """What each row adds to the metric, of its losses: themselves, or what was earned where higher is better."""
        return -losses if self.direction == "higher" else losses

    def gain(self, reference: float, challenger: float) -> float:
        """How much better `challenger` is than `reference`, in the metric's unit; positive is better."""
        if self.direction == "target":
            return abs(reference - self.ideal) - abs(challenger - self.ideal)
        return challenger - reference if self.direction == "higher" else reference - challenger


def loss(name: str, tasks: frozenset[Task], highest: float, meaning: str, of_rows: RowLoss) -> Metric:
    """A mean of one loss per row, between 0 and `highest`."""

    def mean(target: Target, scores: Scores) -> float:
        return float(of_rows(target, scores).mean())

    return Metric(name, tasks, "lower", 0.0, (0.0, highest), meaning, finite(mean), of_rows)


def priced(name: str, tasks: frozenset[Task], span: tuple[float, float], meaning: str, of_rows: RowLoss) -> Metric:
    """A mean of what each row costs, or earns if the name begins with `profit_`: its losses are then minus that."""
    earned = earns(name)

    def mean(target: Target, scores: Scores) -> float:
        found = float(of_rows(target, scores).mean())
        return -found if earned else found

    direction: Literal["higher", "lower"] = "higher" if earned else "lower"
    return Metric(name, tasks, direction, span[1] if earned else span[0], span, meaning, finite(mean), of_rows)


def finite(function: Statistic) -> Statistic:
    """The same, and NaN where a target or score is not finite."""

    def value(target: Target, scores: Scores) -> float:
        if not (np.isfinite(target).all() and np.isfinite(scores).all()):
            return np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            return function(target, scores)

    return value
