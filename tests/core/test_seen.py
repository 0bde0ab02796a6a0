"""What training saw of each feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core import seen
from ratchet.core.feature_table import describe_features
from ratchet.core.model_record import Feature
from ratchet.core.seen import SeenFeature, seen_in

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, width=32), st.just(float("inf")))


def seen_of(*tables: Mapping[str, Sequence[object]]) -> dict[str, SeenFeature]:
    """The profile of some batches, whose columns are of one type each."""
    frames = [pd.DataFrame(table) for table in tables]
    return seen_in(frames, describe_features(pd.concat(frames)))


@given(first=st.lists(NUMBERS, min_size=1), second=st.lists(NUMBERS))
def test_numbers_have_their_range_and_their_middle(first: list[float | None], second: list[float | None]) -> None:
    """Over all batches: the range is that of the finite values, and the middle lies within it."""
    frames = [pd.DataFrame({"x": pd.array(values, dtype="float64")}) for values in (first, second)]
    found = seen_in(frames, [Feature(name="x", kind="number", nullable=True)])["x"]
    finite = [value for value in [*first, *second] if value is not None and np.isfinite(value)]
    assert (found.low, found.high) == ((min(finite), max(finite)) if finite else (None, None))
    assert found.missing == sum(value is None for value in [*first, *second]) / (len(first) + len(second))
    if found.low is not None and found.high is not None:
        assert found.inner_low is not None
        assert found.inner_high is not None
        assert found.low <= found.inner_low <= found.inner_high <= found.high
    assert SeenFeature.model_validate_json(found.model_dump_json()) == found


def test_known_answers() -> None:
    """A hundred and one values: one percent lies in each tail."""
    found = seen_of({"x": [*range(101)], "c": ["b", "a", None] + ["a"] * 98, "flag": [True, False, True] + [True] * 98})
    assert found["x"] == SeenFeature(missing=0, low=0, high=100, inner_low=1, inner_high=99, tails=2 / 101)
    assert found["c"] == SeenFeature(missing=1 / 101, categories=("a", "b"))
    assert (found["flag"].low, found["flag"].high) == (0.0, 1.0)


def test_an_identifier_is_no_category(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of categories none is kept: the record stays small, and nothing counts as new."""
    monkeypatch.setattr(seen, "MOST_CATEGORIES", 2)
    found = seen_of({"few": ["a", "b", "a"], "many": ["a", "b", "c"]})
    assert (found["few"].categories, found["many"].categories) == (("a", "b"), None)
