"""Holm's test: the closed test over Bonferroni, published examples, and what must hold for any p values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.holm import adjusted, holm
from ratchet.errors import UsageError

P_VALUES = st.lists(st.floats(0, 1) | st.floats(0, 0.05), max_size=12)
LEVELS = st.floats(0.001, 0.5)


def closed_test(p_values: list[float], alpha: float) -> tuple[bool, ...]:
    """By definition: rejected if Bonferroni rejects every set of hypotheses that it is in."""
    every = [
        chosen for size in range(1, len(p_values) + 1) for chosen in itertools.combinations(range(len(p_values)), size)
    ]
    return tuple(
        all(len(chosen) * min(p_values[one] for one in chosen) <= alpha for chosen in every if each in chosen)
        for each in range(len(p_values))
    )


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
          0.7590, 1.0],
         [0.0015, 0.0056, 0.0247, 0.1140, 0.2211, 0.2780, 0.2780, 0.2780, 0.3213, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)  # fmt: skip
def test_worked_examples(p_values: list[float], expected: list[float]) -> None:
    """Worked by hand; the last are the fifteen p values of Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995."""
    assert expected == pytest.approx(list(adjusted(p_values)), abs=1e-9)


@given(p_values=st.lists(st.floats(0, 1) | st.floats(0, 0.05), max_size=6), alpha=LEVELS)
def test_it_is_the_closed_test(p_values: list[float], alpha: float) -> None:
    """A hypothesis is rejected exactly if every set that holds it is, by Bonferroni."""
    assert closed_test(p_values, alpha) == holm(p_values, alpha)


@given(p_values=P_VALUES, alpha=LEVELS, data=st.data())
def test_order_does_not_matter(p_values: list[float], alpha: float, data: st.DataObject) -> None:
    """Each hypothesis gets the same answer wherever it stands."""
    order = data.draw(st.permutations(range(len(p_values))))
    expected = holm(p_values, alpha)
    assert tuple(expected[which] for which in order) == holm([p_values[which] for which in order], alpha)


@given(p_values=P_VALUES.filter(bool), alpha=LEVELS, data=st.data())
def test_smaller_p_values_reject_no_less(p_values: list[float], alpha: float, data: st.DataObject) -> None:
    """Making one p value smaller, or the level larger, takes no rejection away."""
    which = data.draw(st.integers(0, len(p_values) - 1))
    smaller = [value * (0.5 if place == which else 1) for place, value in enumerate(p_values)]
    before = holm(p_values, alpha)
    for after in (holm(smaller, alpha), holm(p_values, min(0.9, 2 * alpha))):
        assert all(now or not then for then, now in zip(before, after, strict=True))


@given(p_values=P_VALUES, alpha=LEVELS)
def test_it_finds_what_bonferroni_finds(p_values: list[float], alpha: float) -> None:
    """It rejects whatever Bonferroni does, and nothing above the level itself."""
    for value, rejected in zip(p_values, holm(p_values, alpha), strict=True):
        assert rejected or len(p_values) * value > alpha
        assert not rejected or value <= alpha


@given(p_values=P_VALUES, alpha=LEVELS)
def test_smaller_ones_are_rejected_first(p_values: list[float], alpha: float) -> None:
    """No hypothesis is rejected before one with a smaller p value; the adjusted values are in the same order."""
    found, order = adjusted(p_values), np.argsort(p_values, kind="stable")
    assert all(found[one] <= found[next_] for one, next_ in itertools.pairwise(order))
    assert tuple(value <= alpha for value in found) == holm(p_values, alpha)


def test_any_false_rejection_is_as_rare_as_it_says() -> None:
    """Of 20 equal slices, correlated or not, any is rejected in at most about 5 of 100 draws."""
    from scipy.special import ndtr

    rng = np.random.default_rng(0)
    for shared in (0.0, 0.7):
        noise = shared * rng.normal(size=(2000, 1)) + (1 - shared**2) ** 0.5 * rng.normal(size=(2000, 20))
        wrong = np.mean([any(holm(row.tolist(), 0.05)) for row in ndtr(noise)])
        assert wrong <= 0.065


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_p_value_is_refused(bad: float) -> None:
    """NaN and numbers outside of [0, 1] are neither rejected nor passed over."""
    with pytest.raises(UsageError, match="one of 2 is"):
        holm([0.5, bad], 0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_what_is_no_level_is_refused(alpha: float) -> None:
    """A level that is no risk is refused."""
    with pytest.raises(UsageError, match="alpha is a risk"):
        holm([0.5], alpha)


def test_no_hypotheses_are_no_rejections() -> None:
    """An empty family has an empty answer."""
    assert ((), ()) == (holm([], 0.05), adjusted([]))
