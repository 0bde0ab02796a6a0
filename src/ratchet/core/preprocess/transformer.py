"""The plan as a scikit-learn ColumnTransformer, of scikit-learn's own classes and two functions of numpy.

Features that are treated alike share one step: a row that is served alone pays for each step. A feature that is
flagged, or marked where it is missing, is in a step more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ratchet.core.params import Task
from ratchet.core.preprocess.learnt import Bound, Learnt
from ratchet.core.preprocess.plan import CategoryPlan, NumberPlan, Plan

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

Step = tuple[str, Any, list[str]]
Each = TypeVar("Each", NumberPlan, CategoryPlan)

UNKNOWN, MISSING = -1, -2
"""The ordinal codes of a category that is rare or was never seen, and of a missing one."""

FOLDS = 5
"""Of the cross-fitting of target encodings."""


def transformer(plan: Plan, learnt: Learnt, task: Task) -> ColumnTransformer:
    """The unfitted transformer of tables with the features of `plan`."""
    from sklearn.compose import ColumnTransformer

    numbers = [_number_that_works(each, learnt) for each in plan.numbers]
    categories = [_category_that_works(each, learnt) for each in plan.categories]
    steps = [
        *_grouped("numbers", [each for each in numbers if not each.periodic], lambda each: _numbers(each, learnt)),
        *_grouped("periodic", [each for each in numbers if each.periodic], lambda each: _periodic(each, learnt)),
        *_grouped("categories", categories, lambda each: _categories(each, learnt, task)),
        *_flags(numbers, learnt),
        *_indicators([*numbers, *categories]),
    ]
    return ColumnTransformer(steps, verbose_feature_names_out=False)


def _number_that_works(plan: NumberPlan, learnt: Learnt) -> NumberPlan:
    """Where no training row has a value, zeros stand: histograms of trees fail on a column of nothing."""
    if plan.name in learnt.empty and plan.missing == "leave" and plan.periodic is None:
        return replace(plan, missing="constant", fill=0.0)
    return plan


def _category_that_works(plan: CategoryPlan, learnt: Learnt) -> CategoryPlan:
    """Where no training row has a value, none is the most frequent."""
    if plan.name in learnt.empty and plan.missing == "most_frequent":
        return replace(plan, missing="own")
    return plan


def _grouped(title: str, plans: Iterable[Each], build: Callable[[list[Each]], Any]) -> Iterator[Step]:
    """One step for all features that differ in nothing but their names, in the order in which they come."""
    groups: dict[Any, list[Each]] = {}
    for each in plans:
        groups.setdefault(_alike(each), []).append(each)
    for place, group in enumerate(groups.values(), start=1):
        yield title if place == 1 else f"{title}_{place}", build(group), [each.name for each in group]


def _alike(plan: NumberPlan | CategoryPlan) -> tuple[object, ...]:
    """What decides which step a feature is in; how bounds and rare categories were found is no part of it."""
    if isinstance(plan, NumberPlan):
        clipped = plan.outliers.action == "clip"
        period = None if plan.periodic is None else tuple(plan.periodic.model_dump().values())
        return clipped, plan.missing, plan.fill, plan.numeric, period
    return plan.missing, plan.fill, plan.encoding, plan.rare.declared


def _numbers(group: list[NumberPlan], learnt: Learnt) -> Any:
    from sklearn.preprocessing import StandardScaler

    steps = [*_clip(group, learnt), *_fill(group[0])]
    if group[0].numeric == "scaled":
        steps.append(StandardScaler())
    return _chain(steps)


def _periodic(group: list[NumberPlan], learnt: Learnt) -> Any:
    from sklearn.preprocessing import SplineTransformer

    periodic = group[0].periodic
    if periodic is None:
        raise ValueError(f"{group[0].name} has no period")
    knots = np.linspace(0, periodic.period, periodic.splines + 1)
    splines = SplineTransformer(
        knots=np.tile(knots.reshape(-1, 1), len(group)), extrapolation="periodic", handle_missing="zeros"
    )
    return _chain([*_clip(group, learnt), *_fill(group[0]), splines])


def _clip(group: list[NumberPlan], learnt: Learnt) -> Iterator[Any]:
    from sklearn.preprocessing import FunctionTransformer

    if group[0].outliers.action == "clip":
        low, high = zip(*(learnt.bounds[each.name] for each in group), strict=True)
        yield FunctionTransformer(
            np.clip, kw_args={"a_min": np.array(low), "a_max": np.array(high)}, feature_names_out="one-to-one"
        )


def _fill(plan: NumberPlan | CategoryPlan) -> Iterator[Any]:
    from sklearn.impute import SimpleImputer

    if plan.missing not in ("leave", "own"):
        value = plan.fill if plan.missing == "constant" else None
        yield SimpleImputer(strategy=plan.missing, fill_value=value, keep_empty_features=True)


def _categories(group: list[CategoryPlan], learnt: Learnt, task: Task) -> Any:
    return _chain([*_fill(group[0]), _encoder(group, learnt, task)])


def _encoder(group: list[CategoryPlan], learnt: Learnt, task: Task) -> Any:
    """The encoder; rare categories are given to it as if they had never been seen."""
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    given = {"categories": [_kept(each, learnt) for each in group]} if group[0].rare.declared else {}
    if group[0].encoding == "target":
        return _target_encoder(given, learnt, task)
    if group[0].encoding == "ordinal":
        return OrdinalEncoder(
            **given, handle_unknown="use_encoded_value", unknown_value=UNKNOWN, encoded_missing_value=MISSING
        )
    if given:
        return OneHotEncoder(**given, handle_unknown="ignore", sparse_output=False)
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)


def _target_encoder(given: dict[str, Any], learnt: Learnt, task: Task) -> Any:
    """Its folds are blocks of consecutive rows: rows of one day, which are alike, are not encoded by each other."""
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    kinds = {"regression": "continuous", "binary": "binary", "multiclass": "multiclass"}
    two = task == "multiclass" and learnt.classes == 2
    folds = KFold(min(FOLDS, learnt.rows or FOLDS))
    return TargetEncoder(**given, target_type="binary" if two else kinds[task], cv=folds)


def _kept(plan: CategoryPlan, learnt: Learnt) -> Any:
    names = learnt.kept[plan.name]
    return np.array([np.nan if name is None else name for name in names], dtype=object)


def _flags(plans: Sequence[NumberPlan], learnt: Learnt) -> Iterator[Step]:
    """Where no training row has an outlier, a flag would teach nothing: there is none."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import FunctionTransformer

    for each in plans:
        if each.name in learnt.flagged:
            beyond = FunctionTransformer(np.interp, kw_args=_flat(learnt.bounds[each.name]))
            known = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
            yield f"flag_{each.name}", _chain([beyond, known]), [each.name]


def _flat(bound: Bound) -> dict[str, Any]:
    """As an interpolation: 0 from bound to bound and on a side without one, 1 beyond a bound."""
    edges = np.unique([edge for edge in bound if np.isfinite(edge)])
    left, right = (float(np.isfinite(edge)) for edge in bound)
    return {"xp": edges, "fp": np.zeros(len(edges)), "left": left, "right": right}


def _indicators(plans: Iterable[NumberPlan | CategoryPlan]) -> Iterator[Step]:
    from sklearn.impute import MissingIndicator

    marked = [each.name for each in plans if each.indicator]
    if marked:
        yield "missing", MissingIndicator(features="all", error_on_new=False), marked


def _chain(steps: Sequence[Any]) -> Any:
    from sklearn.pipeline import make_pipeline

    if not steps:
        return "passthrough"
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)
