"""What is done to which feature: what holds for all, what one feature says instead, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ratchet.core.feature_params import Features, Treatment
from ratchet.core.model_record import Feature
from ratchet.core.preprocess.plan import Plan, kind_of, make_plan
from ratchet.errors import UsageError

INPUTS = [
    Feature(name="hour", kind="number", nullable=True),
    Feature(name="wind", kind="number", nullable=False),
    Feature(name="dest", kind="category", nullable=True),
]


def plan(takes_missing: bool = True, **keys: Any) -> Plan:
    return make_plan(INPUTS, Features.model_validate(keys), takes_missing=takes_missing)


def test_what_one_feature_says_holds_for_it_alone() -> None:
    """Its own keys replace those for all, one by one; the others keep theirs."""
    found = plan(missing={"number": "mean", "indicator": True}, columns={"wind": {"missing": "constant", "fill": 7}})
    hour, wind = found.numbers
    assert [(each.missing, each.fill, each.indicator) for each in (hour, wind)] == [
        ("mean", 0.0, True),
        ("constant", 7.0, False),
    ]


@pytest.mark.parametrize(
    ("takes_missing", "numeric", "expected"),
    [(True, "passthrough", "leave"), (False, "passthrough", "median"), (True, "scaled", "median")],
)
def test_leaving_missing_values_needs_an_estimator_that_takes_them(
    takes_missing: bool, numeric: str, expected: str
) -> None:
    """Where nobody downstream takes them, the median stands in."""
    assert plan(takes_missing, numeric=numeric).numbers[0].missing == expected


def test_a_periodic_number_has_no_outliers_but_its_own() -> None:
    """What is declared for all numbers would cut the ends of the day away."""
    clip = {"action": "clip"}
    for_all = plan(outliers=clip, columns={"hour": {"periodic": {"period": 24}}})
    own = plan(columns={"hour": {"periodic": {"period": 24}, "outliers": clip}})
    assert [each.outliers.action for each in for_all.numbers] == ["keep", "clip"]
    assert own.numbers[0].outliers.action == "clip"


def test_a_category_of_its_own_needs_no_indicator() -> None:
    """The encoding says it already; where missing values are filled, nothing else does."""
    own = plan(missing={"indicator": True}).categories[0]
    filled = plan(missing={"indicator": True, "category": "most_frequent"}).categories[0]
    assert (own.indicator, filled.indicator) == (False, True)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("dst", {}, "features.columns.dst: build.. returns no such feature, did you mean dest?", "dest"),
    ("dest", {"outliers": {"action": "clip"}}, "dest.outliers: the feature is a category", "take the key away"),
    ("wind", {"rare": {"min_count": 2}}, "wind.rare: the feature is a number", "take the key away"),
    ("wind", {"missing": "own"}, "wind.missing: 'own' is not for a number", "leave, median"),
    ("dest", {"missing": "mean"}, "dest.missing: 'mean' is not for a category", "own, most_frequent"),
    ("wind", {"missing": "constant", "fill": "x"}, "wind.fill: 'x' is a text", "give a number"),
    ("dest", {"missing": "constant", "fill": 1}, "dest.fill: 1 is a number", "give a text"),
    ("wind", {"missing": "mean", "fill": 1}, "wind.fill: nothing is filled with it", "missing: constant"),
]


@pytest.mark.parametrize(("name", "keys", "said", "next_step"), REFUSED)
def test_a_key_that_does_not_fit_its_feature_is_refused(
    name: str, keys: dict[str, Any], said: str, next_step: str
) -> None:
    """The column, the key and the reason are named, and what to do."""
    with pytest.raises(UsageError, match=said) as caught:
        plan(columns={name: keys})
    assert next_step in caught.value.next_step


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"rare": {"min_count": 2}}, "category"),
        ({"categorical": "target"}, "category"),
        ({"missing": "own"}, "category"),
        ({"missing": "constant", "fill": "x"}, "category"),
        ({"missing": "constant", "fill": 1}, "number"),
        ({"periodic": {"period": 7}}, "number"),
    ],
)
def test_a_treatment_tells_what_it_is_for(keys: dict[str, Any], kind: str) -> None:
    """Before any data is there, the keys say which kind of feature they mean."""
    assert kind_of(Treatment.model_validate(keys)) == kind
