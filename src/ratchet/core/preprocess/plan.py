"""What is done to each feature: the section `features` of `params.yaml`, worked out for the features that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.core.feature_params import (
    Encoding,
    Features,
    Outliers,
    Periodic,
    Rare,
    Scaling,
    Treatment,
)
from ratchet.core.model_record import Feature
from ratchet.errors import UsageError, did_you_mean

NUMBER_KEYS = ("outliers", "numeric", "periodic")
CATEGORY_KEYS = ("categorical", "rare")
NUMBER_FILLS = ("leave", "median", "mean", "constant")
CATEGORY_FILLS = ("own", "most_frequent", "constant")
KEEP = Outliers()


@dataclass(frozen=True, kw_only=True)
class NumberPlan:
    """What is done to one number, in this order: outliers, missing values, splines or scaling."""

    name: str
    missing: str
    fill: float
    indicator: bool
    outliers: Outliers
    numeric: Scaling
    periodic: Periodic | None


@dataclass(frozen=True, kw_only=True)
class CategoryPlan:
    """What is done to one category, in this order: missing values, rare categories, encoding."""

    name: str
    missing: str
    fill: str
    indicator: bool
    encoding: Encoding
    rare: Rare


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every feature, in the order of the table."""

    numbers: tuple[NumberPlan, ...]
    categories: tuple[CategoryPlan, ...]


def make_plan(inputs: Sequence[Feature], features: Features, *, takes_missing: bool) -> Plan:
    """What is done to each of `inputs`; `takes_missing` says whether the estimator takes numbers that are missing.

    Raises UsageError for a column that is no feature, with the nearest one, and for a key of the other kind.
    """
    _require_known(features.columns, [feature.name for feature in inputs])
    return Plan(
        numbers=tuple(_number(feature, features, takes_missing) for feature in inputs if feature.kind == "number"),
        categories=tuple(_category(feature, features) for feature in inputs if feature.kind == "category"),
    )


def kind_of(treatment: Treatment) -> Literal["number", "category"]:
    """The kind of feature that a treatment is meant for, where only `params.yaml` is known."""
    declared = treatment.model_dump(exclude_none=True)
    if set(CATEGORY_KEYS) & set(declared) or treatment.missing in ("own", "most_frequent"):
        return "category"
    return "category" if isinstance(treatment.fill, str) else "number"


def _number(feature: Feature, features: Features, takes_missing: bool) -> NumberPlan:
    own = features.columns.get(feature.name, Treatment())
    _refuse(feature, own, CATEGORY_KEYS, NUMBER_FILLS)
    everywhere = KEEP if own.periodic else features.outliers
    fill = features.missing.fill_number if own.fill is None else own.fill
    if isinstance(fill, str):
        raise _fault(feature, "fill", f"{fill!r} is a text, and the feature is a number", "give a number")
    missing, numeric = own.missing or features.missing.number, own.numeric or features.numeric
    # Splines have a value of their own for what is missing: none of them is set.
    if missing == "leave" and own.periodic is None and (numeric == "scaled" or not takes_missing):
        missing = "median"
    return NumberPlan(
        name=feature.name,
        missing=missing,
        fill=fill,
        indicator=_indicator(feature, own, features),
        outliers=own.outliers or everywhere,
        numeric=numeric,
        periodic=own.periodic,
    )


def _category(feature: Feature, features: Features) -> CategoryPlan:
    own = features.columns.get(feature.name, Treatment())
    _refuse(feature, own, NUMBER_KEYS, CATEGORY_FILLS)
    fill = features.missing.fill_category if own.fill is None else own.fill
    if not isinstance(fill, str):
        raise _fault(feature, "fill", f"{fill:g} is a number, and the feature is a category", "give a text, in quotes")
    missing = own.missing or features.missing.category
    return CategoryPlan(
        name=feature.name,
        missing=missing,
        fill=fill,
        # Where to be missing is a category of its own, the encoding says it already.
        indicator=missing != "own" and _indicator(feature, own, features),
        encoding=own.categorical or features.categorical,
        rare=own.rare or features.rare,
    )


def _indicator(feature: Feature, own: Treatment, features: Features) -> bool:
    declared = features.missing.indicator if own.indicator is None else own.indicator
    return declared and feature.nullable


def _require_known(declared: Collection[str], known: Sequence[str]) -> None:
    for name in declared:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(
                f"params.yaml: features.columns.{name}: build() returns no such feature{hint}",
                next_step=f"use one of {', '.join(known)}",
            )


def _refuse(feature: Feature, own: Treatment, keys: Collection[str], fills: Collection[str]) -> None:
    for key in keys:
        if getattr(own, key) is not None:
            raise _fault(feature, key, f"the feature is a {feature.kind}", "take the key away")
    if own.missing is not None and own.missing not in fills:
        problem = f"{own.missing!r} is not for a {feature.kind}"
        raise _fault(feature, "missing", problem, f"use one of {', '.join(fills)}")
    if own.fill is not None and own.missing != "constant":
        raise _fault(feature, "fill", "nothing is filled with it", "add missing: constant, or take the key away")


def _fault(feature: Feature, key: str, problem: str, next_step: str) -> UsageError:
    return UsageError(f"params.yaml: features.columns.{feature.name}.{key}: {problem}", next_step=next_step)
