"""What a column says about the target: known answers, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import contingency

from ratchet.core.explore.association import GROUPS, association, correlation_ratio, cramers_v, grouped

SEEDS = st.integers(0, 2**32 - 1)


def test_column_that_is_the_target_says_all_of_it() -> None:
    """A copy of a class, and of a number that takes few values, has strength 1."""
    classes = np.arange(300) % 3
    texts, numbers = pl.Series("x", [f"k{each}" for each in classes]), pl.Series("x", classes.astype(float))
    found = [association(column, target).strength for column in (texts, numbers)
             for target in (classes, classes.astype(float))]  # fmt: skip
    assert found == pytest.approx([1.0, 1.0, 1.0, 1.0])


@given(SEEDS)
def test_cramers_v_of_many_rows_is_the_textbook_one(seed: int) -> None:
    """The correction vanishes with rows: scipy's V of the same table is the oracle."""
    random = np.random.default_rng(seed)
    groups = random.integers(0, 4, 20_000)
    classes = np.where(random.random(20_000) < 0.5, groups % 3, random.integers(0, 3, 20_000))
    table = np.histogram2d(groups, classes, bins=(4, 3))[0].astype(int)
    assert cramers_v(groups, classes) == pytest.approx(contingency.association(table, method="cramer"), abs=0.005)


@given(SEEDS)
def test_correlation_ratio_follows_from_the_f_statistic(seed: int) -> None:
    """Kelley's epsilon squared is (F - 1)(k - 1) / ((k - 1) F + n - k) of the one-way analysis of variance."""
    random = np.random.default_rng(seed)
    groups = np.append(np.arange(4), random.integers(0, 4, 196))
    target = groups * 0.5 + random.normal(size=200)
    f = stats.f_oneway(*(target[groups == each] for each in range(4))).statistic
    expected = math.sqrt(max((f - 1) * 3 / (3 * f + 196), 0))
    assert correlation_ratio(groups, target) == pytest.approx(expected, abs=1e-9)


def test_thousands_of_values_do_not_look_good_by_chance() -> None:
    """A random name with one value for two rows says nothing; without the correction V would be above 0.6."""
    random = np.random.default_rng(1)
    names, late = pl.Series("x", random.integers(0, 500, 1000).astype(str)), random.integers(0, 2, 1000)
    found = association(names, late).strength
    assert found is not None
    assert found < 0.25


@given(SEEDS)
def test_strength_does_not_depend_on_scale_order_of_rows_or_names(seed: int) -> None:
    """A monotone change of a number, other names of categories and other places of rows change nothing."""
    random = np.random.default_rng(seed)
    x, late = random.integers(0, 60, 400), random.integers(0, 3, 400)
    order = random.permutation(400)
    numbers = [association(pl.Series("x", each), late).strength for each in (x, np.exp(x / 10), x * 3 - 7.0)]
    texts = [pl.Series("x", [f"{mark}{each % 7}" for each in x]) for mark in ("a", "b")]
    names = [association(texts[0], late).strength, association(texts[1][order], late[order]).strength]
    assert numbers == pytest.approx([numbers[0]] * 3)
    assert names[0] == pytest.approx(names[1])


def test_what_is_not_monotone_is_found() -> None:
    """A target that is true at both ends has no correlation with the number, and depends on it all the same."""
    x = np.linspace(-1, 1, 1000)
    far = (np.abs(x) > 0.6).astype(np.int64)
    assert abs(np.corrcoef(x, far)[0, 1]) < 0.01
    found = association(pl.Series("x", x), far).strength
    assert found is not None
    assert found > 0.9


def test_missing_values_are_a_group() -> None:
    """Where only whether a value is there tells the target, the column says all."""
    late = np.arange(100) % 2
    for values in (pl.Series("x", [None if each else 1.0 for each in late]),
                   pl.Series("x", [math.nan if each else 1.0 for each in late]),
                   pl.Series("x", [None if each else "a" for each in late])):  # fmt: skip
        assert association(values, late).strength == pytest.approx(1.0)


def test_numbers_are_cut_into_groups_of_about_as_many_rows() -> None:
    """A thousand numbers make ten groups of a hundred, whatever their scale."""
    groups = grouped(pl.Series("x", np.random.default_rng(0).lognormal(size=1000)))
    assert np.bincount(groups).tolist() == [100] * GROUPS


@pytest.mark.parametrize("target", [np.zeros(5, dtype=np.int64), np.zeros(5), np.arange(5.0)], ids=str)
def test_strength_is_unknown_where_nothing_varies(target: np.ndarray) -> None:
    """A constant column, or a constant target, has no strength."""
    assert association(pl.Series("x", [1.0] * 5), target).strength is None


def test_strength_is_unknown_where_each_row_is_a_group() -> None:
    """Names of single rows have no strength: there is nothing to compare within a group."""
    names = pl.Series("x", ["a", "b", "c", "d"])
    found = [association(names, target).strength for target in (np.arange(4) % 2, np.arange(4.0))]
    assert found == [None, None]
