"""What a model predicts as one feature moves and everything else stays: partial dependence and single lines.

Partial dependence (Friedman, Annals of Statistics 29, 2001) is the average over rows of the prediction with the feature
set to one value in all of them; the lines of single rows are individual conditional expectations (Goldstein et al.,
J. Computational and Graphical Statistics 24, 2015). Computed by scikit-learn through the whole pipeline, so that the
axis has the feature's own unit. Rows with values that never come together take part as if they did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ratchet.core.analysis.records import Dependence, PairDependence
from ratchet.core.feature_table import BINARY_LABELS
from ratchet.core.model_record import Feature
from ratchet.core.params import Task

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

POINTS, PAIR_POINTS = 25, 12
"""Values on an axis at most, alone and in a pair."""
TAILS = 0.01
"""Share of rows left out at each end of a number's axis: the model has seen little there."""
LINES = 30
"""Single rows that have a line of their own."""

Grid = tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A fitted pipeline, the rows that it is asked about (its input table), and the classes that are of interest."""

    pipeline: Pipeline
    task: Task
    inputs: Sequence[Feature]
    table: pd.DataFrame
    labels: Sequence[str]
    shown: Sequence[str]

    def feature(self, name: str) -> Feature:
        """The input of this name."""
        return next(each for each in self.inputs if each.name == name)


def dependences(model: Examined, name: str) -> Iterator[Dependence]:
    """How the predictions depend on the feature: one record, or one for each class shown where there are several.

    None where no row has a value of it.
    """
    feature, values = model.feature(name), model.table[name]
    grid = grid_of(values, feature.kind, most=POINTS)
    if not grid:
        return
    asked = [*grid, np.nan] if values.isna().any() else [*grid]
    found = _asked(model, {name: asked}, kind="both")
    shares = nearest_shares(values, grid)
    for label, place in _classes(model):
        average, single = found["average"][place], found["individual"][place]
        yield Dependence(
            feature=name,
            kind=feature.kind,
            label=label,
            grid=grid,
            average=tuple(average[: len(grid)].tolist()),
            single=_lines(single, len(grid)) if len(model.shown) <= 1 else (),
            shares=shares,
            missing=float(average[-1]) if len(asked) > len(grid) else None,
            left_out=max(values.nunique() - len(grid), 0) if feature.kind == "category" else 0,
        )


def pair_dependences(model: Examined, one: str, other: str) -> Iterator[PairDependence]:
    """How the predictions depend on two features together; none where no row has a value of one of them."""
    grids = [grid_of(model.table[name], model.feature(name).kind, most=PAIR_POINTS) for name in (one, other)]
    if not all(grids):
        return
    found = _asked(model, {one: [*grids[0]], other: [*grids[1]]}, kind="average")
    for label, place in _classes(model):
        table = found["average"][place]
        yield PairDependence(
            features=(one, other),
            label=label,
            grids=(grids[0], grids[1]),
            average=tuple(tuple(row.tolist()) for row in table),
        )


def grid_of(values: pd.Series, kind: str, *, most: int) -> Grid:
    """At most `most` values: a category's commonest, a number's own, or evenly spaced between its outer percentiles.

    >>> grid_of(pd.Series([2.0, 1.0, float("nan"), 2.0]), "number", most=5)
    (1.0, 2.0)
    >>> grid_of(pd.Series(["b", "a", "b", "c"]), "category", most=2)
    ('b', 'a')
    """
    present = values.dropna()
    if kind == "category":
        counts = present.astype(str).value_counts()
        order = sorted(counts.index, key=lambda name: (-int(counts[name]), name))
        return tuple(order[:most])
    distinct = np.unique(present.to_numpy(dtype=np.float64))
    if len(distinct) <= most:
        return tuple(distinct.tolist())
    low, high = np.quantile(present.to_numpy(dtype=np.float64), [TAILS, 1 - TAILS])
    return tuple(np.unique(np.linspace(low, high, most)).tolist())


def nearest_shares(values: pd.Series, grid: Grid) -> tuple[float, ...]:
    """Of rows with a value, the share that lies nearest to each value of the grid; of categories, that have it."""
    present = values.dropna()
    if isinstance(grid[0], str):
        counts = present.astype(str).value_counts()
        return tuple(float(counts.get(name, 0)) / len(present) for name in grid)
    points = np.array(grid, dtype=np.float64)
    edges = (points[1:] + points[:-1]) / 2
    places = np.searchsorted(edges, present.to_numpy(dtype=np.float64), side="right")
    shares: NDArray[np.float64] = np.bincount(places, minlength=len(grid)) / len(present)
    return tuple(shares.tolist())


def _asked(model: Examined, values: dict[str, list[Any]], *, kind: str) -> Any:
    from sklearn.inspection import partial_dependence

    return partial_dependence(
        model.pipeline,
        model.table,
        list(values),
        categorical_features=[name for name in values if model.feature(name).kind == "category"] or None,
        response_method="auto" if model.task == "regression" else "predict_proba",
        method="brute",
        kind=kind,
        custom_values={name: _axis(model.feature(name), grid) for name, grid in values.items()},
    )


def _axis(feature: Feature, grid: list[Any]) -> NDArray[Any]:
    return np.array(grid, dtype=np.float64 if feature.kind == "number" else object)


def _classes(model: Examined) -> Iterator[tuple[str, int]]:
    """Each class shown with its place in what scikit-learn answers: of two classes it answers for the second alone."""
    if model.task == "regression":
        yield "", 0
    elif len(model.labels) == len(BINARY_LABELS):
        yield model.labels[1], 0
    else:
        yield from ((label, list(model.labels).index(label)) for label in model.shown)


def _lines(single: NDArray[np.float64], points: int) -> tuple[tuple[float, ...], ...]:
    """Rows evenly spread over the sample, each with its line."""
    picks = np.unique(np.linspace(0, len(single) - 1, min(LINES, len(single))).astype(np.intp))
    return tuple(tuple(line.tolist()) for line in single[picks, :points])
