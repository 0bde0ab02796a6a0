"""The metrics that `evaluate.costs` declares, bound to the rows that they price.

By a matrix, the decision of each row is the one that is expected to cost least by the model's own probabilities
(Elkan, IJCAI 2001), or says true from a threshold on; what it comes to is the cell of what was true and what was said.
By a function of the user's, a row is priced by what was true, what was predicted, and the row itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.cost_params import PricedBy, cells, earns
from ratchet.core.metric import Floats, Metric, Target, priced
from ratchet.core.params import Task
from ratchet.core.scoring import Scores
from ratchet.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    CostFunction = Callable[[pd.Series, pd.Series | pd.DataFrame, pd.DataFrame], object]
    """(truth, prediction, rows) to one number per row; all three have one index."""

NOTHING: Mapping[str, PricedBy] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What `evaluate.costs` declares, the model's labels, and for functions the rows that they price.

    `rows` has one line per row that is scored, in the same order. Without a function a metric that needs one is not
    measurable, and neither is one by a matrix of other classes than `labels`.
    """

    task: Task = "binary"
    declared: Mapping[str, PricedBy] = field(default_factory=lambda: NOTHING)
    labels: Sequence[str] = ()
    functions: Mapping[str, CostFunction] = field(default_factory=dict)
    rows: pd.DataFrame | None = None

    def metric(self, name: str) -> Metric | None:
        """The declared metric of this name, ready to price the rows; None if it cannot be measured here.

        Raises UsageError if its matrix is of other classes than the model's.
        """
        by = self.declared.get(name)
        if by is None or (by.function is not None and name not in self.functions):
            return None
        tasks = frozenset[Task]({self.task})
        if by.function is None:
            matrix = matrix_of(name, by, self.labels)
            losses = partial(_by_matrix, _as_costs(name, matrix), by.threshold)
            return priced(name, tasks, (float(matrix.min()), float(matrix.max())), _of_matrix(name, by), losses)
        meaning = f"{_mean(name)} by the function {by.function}"
        return priced(name, tasks, (-np.inf, np.inf), meaning, partial(self._by_function, name))

    def measurable(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of `names` that can be measured on these rows: of declared metrics those with all they need."""
        return tuple(name for name in names if name not in self.declared or self.metric(name) is not None)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """The same for the rows that an (n,) mask or positions choose."""
        return self if self.rows is None else replace(self, rows=self.rows.iloc[chosen])

    def _by_function(self, name: str, target: Target, scores: Scores) -> Floats:
        from ratchet.core.row_costs import Priced, row_costs

        rows = Priced.of(target, scores, task=self.task, labels=self.labels, rows=self.rows)
        function = str(self.declared[name].function)
        found = row_costs(self.functions[name], rows, name=f"evaluate.costs.{name}: {function}")
        return -found if earns(name) else found


NO_PRICES = Prices()
"""Of a project that declares none, and where nobody needs them."""


def matrix_of(name: str, by: PricedBy, labels: Sequence[str]) -> Floats:
    """(k, k) as it was declared, true classes by what is said, in the order of `labels`.

    Raises UsageError if it is of other classes.
    """
    if by.matrix is None:
        raise UsageError(f"evaluate.costs.{name} has no matrix", next_step="say one, or leave it to its function")
    named = by.classes() or tuple(map(str, range(len(by.matrix))))
    order = labels if by.classes() is not None else named
    if len(named) != len(labels) or set(named) != set(order):
        raise UsageError(
            f"evaluate.costs.{name} has a matrix of {len(named)} classes"
            f"{'' if by.classes() is None else ' (' + ', '.join(named) + ')'}, and the model knows {len(labels)}: "
            f"{', '.join(labels) or 'values, and no classes'}",
            next_step="price every class once, by its name",
        )
    priced = cells(by.matrix)
    return np.array([[priced[true][said] for said in order] for true in order], dtype=np.float64)


def _as_costs(name: str, matrix: Floats) -> Floats:
    return -matrix if earns(name) else matrix


def _by_matrix(costs: Floats, threshold: float | None, target: Target, scores: Scores) -> Floats:
    """(n,) of what is decided; NaN where a score is not finite."""
    known: NDArray[np.bool_] = np.isfinite(scores).min(axis=1)
    filled = np.where(known[:, None], scores, 0.0)
    said = (filled @ costs).argmin(axis=1) if threshold is None else (filled[:, 1] >= threshold).astype(np.intp)
    return np.where(known, costs[target.astype(np.intp), said], np.nan)


def _mean(name: str) -> str:
    return f"mean {'profit' if earns(name) else 'cost'} a row"


def _of_matrix(name: str, by: PricedBy) -> str:
    when = "the best decision by the probabilities" if by.threshold is None else f"true from {by.threshold:g} on"
    table = cells(by.matrix or ()).items()
    by_class = (f"{true}: " + ", ".join(f"{value:g} for {said}" for said, value in row.items()) for true, row in table)
    return f"{_mean(name)} of {when}, by true class ({'; '.join(by_class)})"
