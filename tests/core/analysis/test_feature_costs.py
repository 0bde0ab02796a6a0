"""What shuffling a feature costs, row by row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ratchet.core.analysis.feature_costs import Judged, costliest_first, feature_costs
from ratchet.core.analysis.records import FeatureCost
from ratchet.core.change.importance import Scored, feature_importance

RANDOM = np.random.default_rng(4)
ROWS = 2_000
TABLE = pd.DataFrame({"x": RANDOM.normal(size=ROWS), "unused": RANDOM.normal(size=ROWS), "y": RANDOM.normal(size=ROWS)})


def errors(table: pd.DataFrame) -> NDArray[np.float64]:
    """Squared errors of the model 2 X + Y, which is right."""
    truth = 2 * TABLE["x"] + TABLE["y"]
    return ((truth - 2 * table["x"] - table["y"]) ** 2).to_numpy(np.float64)


def found(
    clusters: NDArray[np.intp] | None = None, losses: Callable[..., NDArray[np.float64]] = errors
) -> list[FeatureCost]:
    """The costs, always with the same shuffles."""
    judged = Judged(inputs=TABLE, clusters=clusters, losses=losses)
    return list(feature_costs(judged, np.random.default_rng(0), repeats=10, alpha=0.1))


def test_the_cost_is_twice_the_variance_that_a_feature_explains() -> None:
    """Shuffling a feature with weight w in a right model costs 2 w² times its variance, and the interval holds it."""
    by_name = {each.feature: each.cost for each in found()}
    for name, weight in (("x", 2.0), ("y", 1.0)):
        cost = by_name[name]
        expected = 2 * weight**2 * TABLE[name].var()
        assert cost.value == pytest.approx(expected, rel=0.05)
        assert cost.low is not None
        assert cost.high is not None
        assert cost.low < expected < cost.high


def test_a_feature_that_is_not_used_costs_nothing_at_all() -> None:
    """Its cost is exactly 0, and so are both ends of its interval."""
    unused = next(each.cost for each in found() if each.feature == "unused")
    assert (unused.value, unused.low, unused.high) == (0.0, 0.0, 0.0)


def test_means_are_those_of_the_report() -> None:
    """A page and a report that shuffle alike tell the same importance."""
    model = Scored(TABLE, lambda table: float(errors(table).mean()))
    told = feature_importance(model, model, np.random.default_rng(0), repeats=10)
    expected = {each.feature: each.base for each in told}
    assert {each.feature: each.cost.value for each in found()} == pytest.approx(expected)


def test_rows_of_one_cluster_count_as_one_observation() -> None:
    """Where whole clusters share how much a feature matters, the interval is wider than that of independent rows."""
    days = np.repeat(np.arange(20), ROWS // 20)
    weights = np.repeat(RANDOM.uniform(0, 4, 20), ROWS // 20)

    def by_day(table: pd.DataFrame) -> NDArray[np.float64]:
        return weights * errors(table)

    alone, together = (next(iter(found(clusters, by_day))).cost for clusters in (None, days))
    assert alone.value == together.value
    assert (alone.clusters, together.clusters) == (ROWS, 20)
    assert together.standard_error is not None
    assert alone.standard_error is not None
    assert together.standard_error > 2 * alone.standard_error


def test_the_costliest_stand_first_and_the_undefined_last() -> None:
    """A loss that overflowed tells nothing about a feature, which then stands behind the others."""
    broken = lambda table: np.where(table["y"] != TABLE["y"], np.nan, errors(table))  # noqa: E731 - a model in a line
    assert [each.feature for each in costliest_first(found(losses=broken))] == ["x", "unused", "y"]
