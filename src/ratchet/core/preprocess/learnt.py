"""What must be known of the training rows before the pipeline is built, and what building it does to them.

scikit-learn has no class that clips at quantiles or keeps frequent categories in every encoder, but it has classes that
take bounds and categories as they are given. So these are found here, in the rows that one fit is given and in no
others: within a fold of the cross-validation, in that fold's training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.feature_params import Outliers, Rare
from ratchet.core.preprocess.plan import CategoryPlan, NumberPlan, Plan
from ratchet.core.treated import OutlierCount, RareCount, Treated

if TYPE_CHECKING:
    import pandas as pd

Bound = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What the training rows say.

    `bounds` are of the numbers whose outliers are clipped or flagged, infinite where there is none; `flagged` have at
    least one. `kept` are the categories that are frequent enough, in alphabetical order, where a feature has a rule for
    rare ones; None among them is the missing value. `empty` features have no value at all. `rows` are those that the
    fit is given, 0 where nothing is known of them; `classes` is how many classes their target has, 0 for numbers.
    """

    bounds: Mapping[str, Bound] = field(default_factory=dict)
    kept: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    flagged: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    rows: int = 0
    classes: int = 0


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was learnt, which rows stay (the others are dropped before the fit), and the counts."""

    learnt: Learnt
    stays: NDArray[np.bool_]
    treated: Treated


def survey(table: pd.DataFrame, plan: Plan) -> Survey:
    """Look at the training rows `table` (from `model_inputs`).

    Rows are dropped by bounds of all rows; everything else is learnt from those that stay.
    """
    dropping = _bounds(table, plan, ("drop",))
    stays = np.ones(len(table), dtype=np.bool_)
    for name, bound in dropping.items():
        stays &= ~_beyond(table[name].to_numpy(), bound).any(axis=0)
    rest = table if stays.all() else table[stays]
    changing = _bounds(rest, plan, ("clip", "flag"))
    empty = frozenset(str(name) for name in rest.columns if bool(rest[name].isna().all()))
    counts = {
        category.name: _counts(rest[category.name], category) for category in plan.categories if category.rare.declared
    }
    rules = {category.name: category.rare for category in plan.categories}
    kept = {name: _kept(found, rules[name], len(rest)) for name, found in counts.items()}
    outliers = {**_outlier_counts(table, plan, dropping), **_outlier_counts(rest, plan, changing)}
    flagged = frozenset(name for name, each in outliers.items() if each.action == "flag" and each.below + each.above)
    treated = Treated(
        outliers=outliers,
        rare={name: _rare_count(counts[name], names) for name, names in kept.items()},
        filled=_filled(rest, plan),
        dropped=int((~stays).sum()),
    )
    learnt = Learnt(bounds=changing, kept=kept, flagged=flagged, empty=empty, rows=len(rest))
    return Survey(learnt=learnt, stays=stays, treated=treated)


def _bounds(table: pd.DataFrame, plan: Plan, actions: tuple[str, ...]) -> dict[str, Bound]:
    return {
        number.name: bounds_of(table[number.name].to_numpy(), number.outliers)
        for number in plan.numbers
        if number.outliers.action in actions
    }


def bounds_of(values: NDArray[np.float64], rule: Outliers) -> Bound:
    """The smallest and the largest value that is no outlier; infinite where there is no bound.

    Quartiles and quantiles are linearly interpolated between order statistics. Tukey's fences are those of
    J. W. Tukey, Exploratory Data Analysis (1977), with `fences` in place of 1.5.

    >>> bounds_of(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), Outliers(action="clip", rule="tukey"))
    (-0.5, 5.5)
    """
    if rule.rule == "bounds":
        return -np.inf if rule.low is None else rule.low, np.inf if rule.high is None else rule.high
    present = values[np.isfinite(values)]
    if not len(present):
        return -np.inf, np.inf
    if rule.rule == "quantiles":
        low, high = np.quantile(present, rule.quantiles)
    else:
        first, third = np.quantile(present, (0.25, 0.75))
        low, high = first - rule.fences * (third - first), third + rule.fences * (third - first)
    return float(low), float(high)


def _beyond(values: NDArray[np.float64], bound: Bound) -> NDArray[np.bool_]:
    """Two rows: below the bounds, and above them. What is missing is neither."""
    return np.stack([values < bound[0], values > bound[1]])


def _outlier_counts(table: pd.DataFrame, plan: Plan, bounds: Mapping[str, Bound]) -> dict[str, OutlierCount]:
    return {
        number.name: _outlier_count(table[number.name].to_numpy(), number.outliers.action, bounds[number.name])
        for number in plan.numbers
        if number.name in bounds
    }


def _outlier_count(values: NDArray[np.float64], action: str, bound: Bound) -> OutlierCount:
    below, above = _beyond(values, bound).sum(axis=1)
    low, high = (float(edge) if np.isfinite(edge) else None for edge in bound)
    return OutlierCount(action=action, low=low, high=high, below=int(below), above=int(above))


def _counts(values: pd.Series, plan: CategoryPlan) -> dict[str | None, int]:
    """Training rows by category, after missing ones were filled; None is the missing value."""
    found: dict[str | None, int] = {str(name): int(rows) for name, rows in values.value_counts().items()}
    if missing := int(values.isna().sum()):
        filled = {"own": None, "constant": plan.fill}.get(plan.missing, _most_frequent(found))
        found[filled] = found.get(filled, 0) + missing
    return found


def _most_frequent(counts: Mapping[str | None, int]) -> str | None:
    """As scikit-learn's SimpleImputer: the first in alphabetical order of those that are the most frequent."""
    return min(counts, key=lambda name: (-counts[name], str(name)), default=None)


def _kept(counts: Mapping[str | None, int], rare: Rare, rows: int) -> tuple[str | None, ...]:
    """What is frequent enough, and in any case the most frequent one: an encoder needs a category."""
    fewest = rare.min_count if rare.min_share is None else rare.min_share * rows
    most = _most_frequent(counts)
    kept = {name for name, count in counts.items() if name in (None, most) or count >= (fewest or 0)}
    named = sorted(name for name in kept if name is not None)
    return (*named, None) if None in kept else tuple(named)


def _rare_count(counts: Mapping[str | None, int], kept: tuple[str | None, ...]) -> RareCount:
    rare = [rows for name, rows in counts.items() if name not in kept]
    return RareCount(categories=len(rare), rows=sum(rare))


def _filled(table: pd.DataFrame, plan: Plan) -> dict[str, int]:
    treated: list[NumberPlan | CategoryPlan] = [*plan.numbers, *plan.categories]
    filling = [each.name for each in treated if each.missing not in ("leave", "own")]
    return {name: int(table[name].isna().sum()) for name in filling}
