"""Recalibration of parts of the rows: the fit of each part, begun elsewhere, is the one that the part has by itself."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from ratchet.core.calibration import (
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    expected_calibration_errors,
    intercepts,
    slopes,
)
from ratchet.core.clusters import replicates
from ratchet.core.ranking import Parts

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
SEEDS = st.integers(0, 2**32 - 1)
DIGITS = 1e-10
SAME = ((calibration_slope, slopes), (calibration_intercept, intercepts))


def sample(seed: int, rows: int, spread: float) -> tuple[Labels, Floats]:
    """Labels, and predictions that are off by a random shift and stretch of their log odds."""
    random = np.random.default_rng(seed)
    odds = random.normal(scale=spread, size=rows)
    labels = (random.random(rows) < expit(odds * random.uniform(0.2, 2) + random.normal())).astype(np.int64)
    return labels, expit(odds)


def misfit(weights: Floats, labels: Labels, odds: Floats) -> tuple[float, Floats]:
    """The negative log likelihood of an intercept and a slope, and its gradient."""
    fitted = weights[0] + weights[1] * odds
    missed = expit(fitted) - labels
    return float(np.logaddexp(0, fitted).sum() - labels @ fitted), np.array([missed.sum(), missed @ odds])


@pytest.mark.parametrize("seed", range(5))
def test_left_out_fits_are_the_maximum_that_scipy_finds(seed: int) -> None:
    """Without any day, slope and intercept are those of a general minimiser that starts at nothing."""
    labels, chances = sample(seed, 3_000, 1.0)
    days = np.arange(3_000) // 150
    slope_of, move_of = slopes(labels, chances), intercepts(labels, chances)
    for day in range(20):
        kept = days != day
        odds = logit(chances[kept])
        best = minimize(misfit, np.zeros(2), (labels[kept], odds), jac=True, method="BFGS", options={"gtol": 1e-9})
        assert slope_of(kept) == pytest.approx(best.x[1], rel=1e-7)
        assert expit(odds + move_of(kept)).mean() == pytest.approx(labels[kept].mean(), abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, rows=st.integers(4, 300), spread=st.floats(0.01, 12), share=st.floats(0.05, 1))
def test_where_a_fit_begins_does_not_matter(seed: int, rows: int, spread: float, share: float) -> None:
    """A part far from the whole has the slope and intercept of its rows alone, and none where they have none."""
    labels, chances = sample(seed, rows, spread)
    kept = np.random.default_rng(seed).random(rows) < share
    kept[0] = True
    for alone, of_parts in SAME:
        expected, found = alone(labels[kept], chances[kept]), of_parts(labels, chances)(kept)
        assert math.isnan(found) == math.isnan(expected)
        if not math.isnan(expected):
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, rows=st.integers(1, 300), digits=st.integers(1, 6), share=st.floats(0.05, 1))
def test_errors_of_parts_are_those_of_their_rows(seed: int, rows: int, digits: int, share: float) -> None:
    """Sorted once, with ties or without, a part has the calibration error of its rows alone."""
    labels, chances = sample(seed, rows, 1.5)
    chances = np.round(chances, digits)
    kept = np.random.default_rng(seed).random(rows) < share
    kept[seed % rows] = True
    expected = expected_calibration_error(labels[kept], chances[kept])
    assert expected_calibration_errors(labels, chances)(kept) == pytest.approx(expected, rel=DIGITS, abs=1e-14)


@pytest.mark.parametrize(("alone", "of_parts"), [*SAME, (expected_calibration_error, expected_calibration_errors)])
def test_replicates_agree_to_ten_digits(
    alone: Callable[[Labels, Floats], float], of_parts: Callable[[Labels, Floats], Parts]
) -> None:
    """The jackknife over 64 days is the same to ten digits, whether its fits begin at nothing or at the whole."""
    labels, chances = sample(1, 20_000, 0.9)
    days = np.arange(20_000) * 64 // 20_000
    plain = replicates(alone, (labels, chances), days)
    short = replicates(alone, (labels, chances), days, part=of_parts(labels, chances))
    np.testing.assert_allclose(short.left_out, plain.left_out, rtol=DIGITS)
    assert np.ptp(plain.left_out) > 1e-4


def test_a_part_that_a_threshold_separates_has_no_slope() -> None:
    """One overlapping row gives the whole a slope; without it there is none."""
    labels, chances = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.8, 0.9])
    of_part = slopes(labels, chances)
    assert math.isfinite(of_part(np.ones(6, dtype=np.bool_)))
    assert math.isnan(of_part(np.arange(6) != 2))


def test_certain_and_wrong_predictions_are_moved_all_the_way() -> None:
    """Predictions that are certain and mostly wrong are moved until their mean is the share of ones."""
    labels, chances = np.array([1, 1, 1, 0]), np.array([0.0, 0.0, 1e-12, 0.0])
    odds = logit(np.clip(chances, 1e-15, 1 - 1e-15))
    assert expit(odds + calibration_intercept(labels, chances)).mean() == pytest.approx(0.75, abs=1e-9)


NUMBERS = """
import numpy as np
from ratchet.core.calibration import calibration_intercept, calibration_slope
from ratchet.core.clusters import interval, jackknife
from ratchet.core.comparison import compare
random = np.random.default_rng(7)
labels, scores = random.integers(2, size=5_000), random.uniform(0.01, 0.99, 5_000)
clusters = np.arange(5_000) // 17
found = [jackknife(each, (labels, scores), clusters, alpha=0.05) for each in (calibration_slope, calibration_intercept)]
print(found, interval(scores, clusters, alpha=0.05), compare(scores, scores**2, clusters, alpha=0.05, margin=0.0))
"""


def test_no_number_depends_on_the_code_that_blas_has_for_a_processor() -> None:
    """Slope, intercept, their errors and a comparison are the same to the last digit, by its old code and its newer."""
    said = {
        subprocess.run(
            [sys.executable, "-c", NUMBERS],
            env={**os.environ, "OPENBLAS_CORETYPE": core},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for core in ("Nehalem", "Haswell")
    }
    assert len(said) == 1
