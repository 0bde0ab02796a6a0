"""The benchmarks' DeLong test is DeLong's test."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

FILE = Path(__file__).parents[2] / "benchmarks" / "gate" / "delong.py"


def module() -> Any:
    """The benchmark's file: benchmarks are scripts and no package."""
    spec = importlib.util.spec_from_file_location("gate_benchmark_delong", FILE)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


delong = module().delong


def drawn(seed: int, rows: int, digits: int) -> tuple[Any, Any, Any]:
    """A target with both classes and two correlated scores, rounded so that some are tied."""
    rng = np.random.default_rng(seed)
    target = (rng.random(rows) < 0.3).astype(np.int64)
    target[:2], target[2:4] = 0, 1
    signal = rng.normal(size=rows) + target
    reference, challenger = (np.round(signal + rng.normal(scale=0.7, size=rows), digits) for _ in range(2))
    return target, reference, challenger


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(8, 300), digits=st.integers(0, 6))
def test_it_agrees_with_mlstatkit(seed: int, rows: int, digits: int) -> None:
    """Areas, z and the two-sided p are MLstatkit's to 1e-9, with ties or without."""
    from MLstatkit.delong import Delong_test  # type: ignore[import-untyped]  # the package has no types

    target, reference, challenger = drawn(seed, rows, digits)
    found = delong(target, reference, challenger)
    assume(found.standard_error > 1e-9)  # without a spread MLstatkit draws a bootstrap instead
    z, p, _, _, area, other, how = Delong_test(target, reference, challenger)
    assert how["method"] == "delong"
    assert (found.z, 2 * min(found.p_better, 1 - found.p_better)) == pytest.approx((z, p), rel=1e-9, abs=1e-9)
    assert (found.reference, found.challenger) == pytest.approx((area, other), rel=1e-9)


def test_the_areas_are_scikit_learns() -> None:
    """Each area is the metric of the same name."""
    from sklearn.metrics import roc_auc_score

    target, reference, challenger = drawn(1, 400, 1)
    found = delong(target, reference, challenger)
    expected = (roc_auc_score(target, reference), roc_auc_score(target, challenger))
    assert expected == pytest.approx((found.reference, found.challenger))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(8, 100))
def test_swapping_the_models_mirrors_the_answer(seed: int, rows: int) -> None:
    """With the models swapped z changes its sign, and so does what p says."""
    target, reference, challenger = drawn(seed, rows, 2)
    one, other = delong(target, reference, challenger), delong(target, challenger, reference)
    assert (one.z, one.p_better) == pytest.approx((-other.z, 1 - other.p_better))


def test_the_same_order_shows_nothing() -> None:
    """Scores that are another one's logarithm rank alike: neither is better."""
    target, reference, _ = drawn(2, 60, 3)
    found = delong(target, reference, np.exp(reference))
    assert (0.0, 0.5) == (found.z, found.p_better)


@pytest.mark.parametrize(
    ("target", "reference", "challenger", "says"),
    [
        ([1, 1], [0.1, 0.2], [0.1, 0.2], "must hold 0 and 1"),
        ([0, 1, 2], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], "must hold 0 and 1"),
        ([0, 1], [0.1, np.nan], [0.1, 0.2], "two finite scores"),
        ([0, 1, 1], [0.1, 0.2], [0.1, 0.2], "two finite scores"),
    ],
)
def test_rows_it_cannot_judge_are_refused(target: Any, reference: Any, challenger: Any, says: str) -> None:
    """One class alone, a third one, NaN and rows that do not pair are refused."""
    with pytest.raises(ValueError, match=says):
        delong(np.array(target), np.array(reference), np.array(challenger))
