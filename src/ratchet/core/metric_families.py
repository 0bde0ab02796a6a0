"""Metrics with a number of the project's own in their name, so that a name says all: in params, decisions and reports.

`pinball_90` is the pinball loss at the quantile 0.90 (Koenker and Bassett, Econometrica 46, 1978), `cost_1_5` what
decisions cost where a row of the first class that is missed costs 1 and one of the second 5, and `f1_at_30`,
`precision_at_30` and `recall_at_30` judge a yes at a probability of 0.30 or above. A number behind the name stands for
itself in the policy's digest: costs kept elsewhere could change under a decision.

`cost_delay` and `profit_rebooking` are declared in `evaluate.costs`. Their name says which way is better; what they
measure stands in the policy itself (`gate.priced`), and `ratchet.core.prices` measures it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ratchet.core.cost_params import NAME
from ratchet.core.metric import Floats, Metric, Target, finite, loss, priced
from ratchet.core.params import Task
from ratchet.core.ranking import Parts
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

EXAMPLES: dict[Task, str] = {
    "binary": "cost_1_5, precision_at_30, recall_at_30, f1_at_30",
    "multiclass": "cost_1_5_2",
    "regression": "pinball_90",
}
"""A name of each family, for messages."""
PINBALL = re.compile(r"pinball_(\d{1,6})")
COST = re.compile(r"cost((?:_\d{1,9}){2,})")
AT = re.compile(r"(precision|recall|f1)_at_(\d{1,6})")

_BINARY: frozenset[Task] = frozenset({"binary"})
_CLASSES: frozenset[Task] = frozenset({"binary", "multiclass"})
_REGRESSION: frozenset[Task] = frozenset({"regression"})


@lru_cache(maxsize=256)
def family_member(name: str) -> Metric | None:
    """The metric that a name such as `pinball_90` means, or None if it means none."""
    if found := PINBALL.fullmatch(name):
        return _pinball(name, _fraction(found[1]))
    if found := COST.fullmatch(name):
        return _cost(name, tuple(map(int, found[1].split("_")[1:])))
    if found := AT.fullmatch(name):
        return _at(name, found[1], _fraction(found[2]))
    return _declared(name) if is_declared(name) else None


def is_declared(name: str) -> bool:
    """Whether a metric of this name is one that `evaluate.costs` has to declare."""
    return NAME.fullmatch(name) is not None


def _declared(name: str) -> Metric:
    """Direction and kind of a declared metric, wherever its rows are not at hand."""

    def losses(_target: Target, _scores: Scores) -> Floats:
        raise UsageError(
            f"{name} cannot be measured here: evaluate.costs of params.yaml does not say what it is, or it is a "
            "function, and the rows that it prices are not there",
            next_step=f"declare {name} in evaluate.costs; docs/metrics.md shows how",
        )

    every = frozenset[Task]({"binary", "multiclass", "regression"})
    return priced(name, every, (-np.inf, np.inf), "declared in evaluate.costs", losses)


def _fraction(digits: str) -> float:
    """What stands behind the point: '90' and '9' are 0.9, '05' is 0.05."""
    return float(f"0.{digits}")


def _pinball(name: str, quantile: float) -> Metric | None:
    def losses(target: Target, scores: Scores) -> Floats:
        above = target - scores[:, 0]
        return np.maximum(quantile * above, (quantile - 1) * above)

    meaning = f"pinball loss of the predictions as the quantile {quantile:g}, in the target's unit"
    return loss(name, _REGRESSION, np.inf, meaning, losses) if quantile else None


def _cost(name: str, costs: Sequence[int]) -> Metric | None:
    """Each row's decision is the one that is expected to cost least."""
    prices = np.array(costs, dtype=np.float64)
    if not prices.any():
        return None

    def losses(target: Target, scores: Scores) -> Floats:
        if scores.shape[1] != len(prices):
            raise UsageError(
                f"{name} has costs for {len(prices)} classes, and there are {scores.shape[1]}",
                next_step="name one cost per class in the order of the labels, false before true",
            )
        classes = target.astype(np.int64)
        # To say j costs sum_i p_i c_i without the term of j: the least is where p_j c_j is largest.
        missed = (scores * prices).argmax(axis=1) != classes
        known = np.isfinite(scores).all(axis=1)
        return np.where(known, missed * prices[classes], np.nan)

    tasks = _CLASSES if len(prices) == 2 else frozenset[Task]({"multiclass"})
    worth = ", ".join(map(str, costs))
    return loss(name, tasks, float(prices.max()), f"mean cost of decisions, by class missed: {worth}", losses)


Rate = Callable[[NDArray[np.float64]], float]
"""From (2, 2) rows: by what is true, by what was said."""


def _precision(rows: NDArray[np.float64]) -> float:
    return _share(rows[1, 1], rows[:, 1].sum())


def _recall(rows: NDArray[np.float64]) -> float:
    return _share(rows[1, 1], rows[1].sum())


def _f1(rows: NDArray[np.float64]) -> float:
    return _share(2 * rows[1, 1], rows[:, 1].sum() + rows[1].sum())


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan


_RATES = MappingProxyType(
    {
        "precision": (_precision, "share of true positives among those said to be"),
        "recall": (_recall, "share of the positives that are said to be"),
        "f1": (_f1, "harmonic mean of precision and recall"),
    }
)


def _at(name: str, kind: str, threshold: float) -> Metric | None:
    """NaN where the share is one of no rows: nothing is said to be positive, or nothing is."""
    rate, meaning = _RATES[kind]

    def parts(target: Target, scores: Scores) -> Parts:
        cells = target.astype(np.intp) * 2 + (scores[:, 1] >= threshold)
        return lambda rows: rate(np.bincount(cells[rows], minlength=4).astype(np.float64).reshape(2, 2))

    def whole(target: Target, scores: Scores) -> float:
        return parts(target, scores)(np.ones(len(target), dtype=np.bool_))

    said = f"{meaning}, at a probability of {threshold:g} and above"
    return Metric(name, _BINARY, "higher", 1.0, (0.0, 1.0), said, finite(whole), shared=parts) if threshold else None
