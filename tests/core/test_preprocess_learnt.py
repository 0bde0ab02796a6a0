"""Bounds, kept categories and counts, from training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.feature_params import Features, Outliers
from ratchet.core.model_record import Feature
from ratchet.core.preprocess.learnt import Survey, bounds_of, survey
from ratchet.core.preprocess.plan import make_plan
from ratchet.core.scoring import frame

INPUTS = [Feature(name="x", kind="number", nullable=True), Feature(name="kind", kind="category", nullable=True)]
NUMBERS = st.lists(st.one_of(st.just(float("nan")), st.floats(-1e9, 1e9)), min_size=1, max_size=40)


def look(x: Sequence[float | None], kind: Sequence[str | None], **keys: Any) -> Survey:
    table = frame(INPUTS, {"x": x, "kind": kind})
    return survey(table, make_plan(INPUTS, Features.model_validate(keys), takes_missing=True))


def test_bounds_of_each_rule() -> None:
    """Quantiles and Tukey's fences by hand; fixed bounds as given."""
    values = np.arange(101.0)
    tukey = Outliers(action="clip", rule="tukey", fences=2.0)
    assert bounds_of(values, Outliers(action="clip", low=0.05, high=0.9)) == (5.0, 90.0)
    assert bounds_of(values, tukey) == (25.0 - 2 * 50.0, 75.0 + 2 * 50.0)
    assert bounds_of(values, Outliers(action="clip", rule="bounds", low=3.0)) == (3.0, np.inf)


@pytest.mark.parametrize("rule", ["quantiles", "tukey"])
def test_a_column_without_values_has_no_bounds(rule: Any) -> None:
    """Nothing is known, so nothing lies too far out."""
    assert bounds_of(np.array([np.nan, np.nan]), Outliers(action="clip", rule=rule)) == (-np.inf, np.inf)


@given(values=NUMBERS, low=st.floats(0, 0.4), high=st.floats(0.6, 1))
def test_the_counts_are_what_lies_beyond(values: list[float], low: float, high: float) -> None:
    """Counted one by one, whatever the values are; what is missing is no outlier."""
    found = look(values, ["a"] * len(values), outliers={"action": "clip", "low": low, "high": high})
    low_bound, high_bound = found.learnt.bounds["x"]
    count = found.treated.outliers["x"]
    assert count.below == sum(value < low_bound for value in values)
    assert count.above == sum(value > high_bound for value in values)
    assert (bool(found.stays.all()), found.treated.dropped) == (True, 0)


def test_dropped_rows_are_out_before_anything_else_is_learnt() -> None:
    """The far row takes its category with it; its count and its bounds stay in the record."""
    x = [1.0, 2.0, 3.0, 1000.0]
    keys = {
        "columns": {
            "x": {"outliers": {"action": "drop", "rule": "bounds", "high": 10}},
            "kind": {"rare": {"min_count": 2}},
        }
    }
    found = look(x, ["a", "a", "b", "b"], **keys)
    assert found.stays.tolist() == [True, True, True, False]
    assert found.treated.model_dump() == {
        "outliers": {"x": {"action": "drop", "low": None, "high": 10.0, "below": 0, "above": 1}},
        "rare": {"kind": {"categories": 1, "rows": 1}},
        "filled": {},
        "dropped": 1,
    }
    assert found.learnt.kept == {"kind": ("a",)}


@pytest.mark.parametrize("rare", [{"min_count": 3}, {"min_share": 0.3}])
def test_rare_categories_by_count_and_by_share(rare: dict[str, Any]) -> None:
    """Both name the same rows of ten; the missing value is a category that is always kept."""
    kinds = ["a", "a", "a", "a", "b", "b", "b", "c", "d", None]
    found = look([0.0] * 10, kinds, rare=rare)
    assert found.learnt.kept["kind"] == ("a", "b", None)
    assert found.treated.rare["kind"].model_dump() == {"categories": 2, "rows": 2}


def test_the_most_frequent_category_is_never_rare() -> None:
    """An encoder needs one; of equals it is the first by name."""
    assert look([0.0] * 4, ["b", "a", "b", "a"], rare={"min_count": 99}).learnt.kept["kind"] == ("a",)


@pytest.mark.parametrize(
    ("keys", "kept"),
    [({"category": "most_frequent"}, ("a",)), ({"category": "constant", "fill_category": "none"}, ("a", "none"))],
)
def test_filled_values_count_for_what_they_became(keys: dict[str, Any], kept: tuple[str, ...]) -> None:
    """Whether a category is rare is asked after missing values were filled."""
    found = look([0.0] * 7, ["a", "a", "a", "b", None, None, None], missing=keys, rare={"min_count": 3})
    assert (found.learnt.kept["kind"], found.treated.filled) == (kept, {"kind": 3})


def test_the_lines_say_what_was_done() -> None:
    """One sentence for each thing that touched a row, and none for what touched nothing."""
    columns = {
        "x": {"missing": "median", "outliers": {"action": "clip", "rule": "bounds", "low": 0, "high": 5}},
        "kind": {"rare": {"min_count": 2}},
    }
    some = look([-1.0, 2.0, 9.0, 8.0, None], ["a", "a", "a", "b", "c"], columns=columns)
    none = look([1.0, 2.0], ["a", "a"], columns=columns)
    assert some.treated.lines() == [
        "x: outliers clipped: 1 below 0 and 2 above 5",
        "kind: 2 rare categories in 2 rows",
        "x: missing values filled in 1 row",
    ]
    assert none.treated.lines() == []


def test_an_empty_column_is_known_to_be_empty() -> None:
    """Whoever builds the pipeline must know, and no rule for rare categories fails on it."""
    found = look([None, None], [None, None], missing={"category": "most_frequent"}, rare={"min_count": 2})
    assert sorted(found.learnt.empty) == ["kind", "x"]
    assert found.learnt.kept["kind"] == (None,)


def test_the_table_is_left_as_it_was() -> None:
    """Looking at the rows changes none of them."""
    table = frame(INPUTS, {"x": [1.0, 99.0, None], "kind": ["a", None, "b"]})
    before = table.copy(deep=True)
    features = Features.model_validate({"outliers": {"action": "clip"}, "rare": {"min_count": 2}})
    survey(table, make_plan(INPUTS, features, takes_missing=True))
    pd.testing.assert_frame_equal(table, before)
