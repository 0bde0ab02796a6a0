"""Ranks: scikit-learn's numbers to the last bit, and parts of the rows as if they were all there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sk

from ratchet.core.clusters import replicates
from ratchet.core.metrics import METRICS, Target, metrics_for
from ratchet.core.params import Task
from ratchet.core.ranking import average_precision, roc_auc
from ratchet.core.scoring import Scores

SEEDS = st.integers(0, 2**32 - 1)
ROWS = st.integers(1, 200)
STEPS = st.sampled_from([1, 3, 20, 10**9])
"""Different scores: from one for all rows to one for each."""
SHARED = [(task, metric.name) for task in ("binary", "multiclass") for metric in metrics_for(task) if metric.shared]
FITTED = ("calibration_slope", "calibration_intercept", "ece")
"""What is fitted or summed in another order, and equal to ten digits: see test_calibration.py."""
RANKED = [(task, name) for task, name in SHARED if name not in FITTED]


def sample(task: Task, seed: int, rows: int, steps: int) -> tuple[Target, Scores]:
    """Classes, some of which may be absent, and probabilities with ties, not all of them wrong."""
    rng = np.random.default_rng(seed)
    classes = 2 if task == "binary" else 4
    target = rng.choice(classes, size=rows, p=rng.dirichlet(np.ones(classes)))
    scores = np.floor(rng.dirichlet(np.ones(classes), size=rows) * steps) + 0.01
    scores[np.arange(rows), target] += rng.random() * steps / 4
    return target.astype(np.int64), scores / scores.sum(axis=1, keepdims=True)


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, rows=ROWS, steps=STEPS)
def test_binary_ranks_equal_scikit_learn_to_the_last_bit(seed: int, rows: int, steps: int) -> None:
    """Area and average precision are what scikit-learn returns, and NaN where it has none."""
    target, scores = sample("binary", seed, rows, steps)
    area, precision = roc_auc(target, scores), average_precision(target, scores)
    assert math.isnan(area) == (len(np.unique(target)) < 2)
    assert math.isnan(precision) == (not target.any())
    if not math.isnan(area):
        assert sk.roc_auc_score(target, scores[:, 1]) == area
    if not math.isnan(precision):
        assert sk.average_precision_score(target, scores[:, 1]) == precision


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, rows=ROWS, steps=STEPS)
def test_multiclass_area_equals_scikit_learn_to_the_last_bit(seed: int, rows: int, steps: int) -> None:
    """It is the mean of scikit-learn's areas of the classes that occur, by their rows."""
    target, scores = sample("multiclass", seed, rows, steps)
    present, counts = np.unique(target, return_counts=True)
    found = roc_auc(target, scores)
    if len(present) < 2:
        assert math.isnan(found)
    else:
        areas = [sk.roc_auc_score(target == one, scores[:, one]) for one in present]
        assert np.average(areas, weights=counts) == found


@pytest.mark.parametrize(("task", "name"), RANKED)
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, rows=ROWS, steps=STEPS, share=st.floats(0.1, 1))
def test_a_part_has_the_metric_of_its_rows(
    task: Task, name: str, seed: int, rows: int, steps: int, share: float
) -> None:
    """What is computed once for all parts changes no bit of any: it equals the metric of the chosen rows alone."""
    target, scores = sample(task, seed, rows, steps)
    chosen = np.random.default_rng(seed + 1).random(rows) < share
    chosen[seed % rows] = True
    expected = METRICS[name].function(target[chosen], scores[chosen])
    np.testing.assert_array_equal(METRICS[name].of_parts(target, scores)(chosen), expected)


@pytest.mark.parametrize(("task", "name"), SHARED)
def test_a_part_without_the_score_that_is_not_finite_is_defined(task: Task, name: str) -> None:
    """One NaN leaves all rows undefined, and a part without it as it is."""
    target, scores = sample(task, 5, 80, 20)
    scores[7] = np.nan
    of_part = METRICS[name].of_parts(target, scores)
    without = np.arange(80) != 7
    assert math.isnan(of_part(np.ones(80, dtype=np.bool_)))
    assert METRICS[name].function(target[without], scores[without]) == pytest.approx(of_part(without), rel=1e-10)


@pytest.mark.parametrize("name", [metric.name for metric in metrics_for("binary")])
def test_replicates_by_parts_equal_those_of_chosen_rows(name: str) -> None:
    """Leaving out each cluster in turn gives the same values by either way, also of a constant prediction."""
    target, scores = sample("binary", 3, 400, 10**9)
    clusters = np.arange(400) % 13
    metric = METRICS[name]
    for each in (scores, constant(400)):
        plain = replicates(metric.function, (target, each), clusters)
        short = replicates(metric.function, (target, each), clusters, part=metric.of_parts(target, each))
        assert plain.value == short.value or math.isnan(plain.value)
        np.testing.assert_allclose(short.left_out, plain.left_out, rtol=1e-10 if name in FITTED else 0, atol=0)


def constant(rows: int) -> NDArray[np.float64]:
    """The same two probabilities for every row."""
    return np.tile([0.7, 0.3], (rows, 1))
