"""How much a model leans on each feature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ratchet.core.change.importance import Scored, feature_importance, sample

RANDOM = np.random.default_rng(4)
ROWS = 2_000
TABLE = pd.DataFrame(
    {"x": RANDOM.normal(size=ROWS), "y": RANDOM.normal(size=ROWS), "kind": pd.array(["a", "b"] * (ROWS // 2), "str")}
)


def linear(x: float, y: float) -> Callable[[pd.DataFrame], float]:
    """The squared error of the model x X + y Y where 2 X + Y is what happens."""
    truth = 2 * TABLE["x"] + TABLE["y"]

    def loss(table: pd.DataFrame) -> float:
        return float(((truth - x * table["x"] - y * table["y"]) ** 2).mean())

    return loss


def test_importance_is_the_loss_that_shuffling_adds() -> None:
    """Shuffling a feature with weight w in a right model costs twice w squared times its variance."""
    found = feature_importance(
        Scored(TABLE, linear(2, 1)), Scored(TABLE, linear(2, 0)), np.random.default_rng(0), repeats=20
    )
    by_name = {each.feature: each for each in found}
    assert by_name["x"].base == pytest.approx(8, rel=0.1)
    assert by_name["x"].change == pytest.approx(8, rel=0.1)
    assert by_name["y"].base == pytest.approx(2, rel=0.1)
    assert (by_name["y"].change, by_name["kind"].base, by_name["kind"].change) == pytest.approx((0, 0, 0), abs=1e-12)
    assert found[0].feature == "y"


def test_a_feature_of_one_side_is_none_on_the_other() -> None:
    """What a model does not take has no importance, and that is a change, too."""
    without = TABLE.drop(columns="kind")
    found = feature_importance(Scored(without, linear(2, 1)), Scored(TABLE, linear(2, 1)), np.random.default_rng(0))
    assert {each.feature: (each.base is None, each.change is None) for each in found} == {
        "x": (False, False),
        "y": (False, False),
        "kind": (True, False),
    }


def test_both_models_are_shuffled_alike() -> None:
    """The same model on both sides has the same importance to the last digit, the largest first."""
    model = Scored(TABLE, linear(2, 1))
    found = feature_importance(model, model, np.random.default_rng(0))
    assert [each.base for each in found] == [each.change for each in found]
    assert [each.feature for each in found] == ["x", "y", "kind"]


def test_the_same_generator_gives_the_same_record() -> None:
    """Twice the same seed, twice the same numbers; the tables are left as they were."""
    before = TABLE.copy()
    one, two = (
        feature_importance(Scored(TABLE, linear(2, 1)), Scored(TABLE, linear(1, 1)), np.random.default_rng(9))
        for _ in range(2)
    )
    assert one == two
    pd.testing.assert_frame_equal(TABLE, before)


def test_a_sample_is_bounded_and_in_order() -> None:
    """Few rows are all taken, many are drawn without repeats."""
    assert sample(5, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]
    drawn = sample(10_000, np.random.default_rng(0), most=100)
    assert len(set(drawn.tolist())) == 100
    assert drawn.tolist() == sorted(drawn.tolist())
