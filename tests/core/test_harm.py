"""The canary's test: valid however often it is looked at, and quick where the canary is clearly worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ratchet.core.harm import GROUP_ROWS, Pairs, group_means, harm, planned_groups
from ratchet.core.phases import Canary

Floats = NDArray[np.float64]
RULE = Canary(rows=1_000, alpha=0.05)
RUNS = 300


def pairs(seed: int, rows: int, *, bias: float = 0.0) -> Pairs:
    """Rows that two equally noisy models score, by log loss; the canary's log odds are `bias` too high."""
    random = np.random.default_rng(seed)
    odds = random.normal(size=rows)
    late = random.random(rows) < 1 / (1 + np.exp(-odds))

    def losses(shift: float) -> Floats:
        chance = 1 / (1 + np.exp(-(odds + shift + random.normal(scale=0.4, size=rows))))
        return -np.log(np.where(late, chance, 1 - chance))

    return Pairs(champion=losses(0.0), canary=losses(bias), requests=range(rows), days=range(rows))


def first(some: Pairs, rows: int) -> Pairs:
    """What was seen after so many rows."""
    return Pairs(
        champion=some.champion[:rows], canary=some.canary[:rows], requests=some.requests[:rows], days=some.days[:rows]
    )


def test_no_difference_is_rarely_called_worse_though_looked_at_after_every_row() -> None:
    """Of equal models at most the share alpha is ever stopped, but for the luck of 300 runs."""
    stopped = sum(harm(pairs(seed, 400), RULE).shown(RULE.alpha) for seed in range(RUNS))
    assert stopped <= stats.binom.ppf(0.999, RUNS, RULE.alpha)


def test_the_last_look_knows_what_any_look_before_it_saw() -> None:
    """Evidence is that of the best look so far: it never falls, so that looking late misses nothing that was shown."""
    some = pairs(1, 300, bias=0.5)
    evidence = [harm(first(some, rows), RULE).evidence for rows in range(1, 301)]
    assert evidence == sorted(evidence)
    assert evidence[-1] == harm(some, RULE).evidence


def test_a_clearly_worse_canary_is_stopped_early() -> None:
    """One whose log odds are 2 too high is found within a fifth of the rows, nearly always."""
    found = sum(harm(pairs(seed, 200, bias=2.0), RULE).shown(RULE.alpha) for seed in range(50))
    assert found >= 45


def test_a_margin_forgives_as_much() -> None:
    """What is worse by less than the margin is not held against it."""
    rule = RULE.model_copy(update={"margin": 0.5})
    some = pairs(3, 1_000, bias=1.0)
    assert harm(some, RULE).shown(0.05)
    assert not harm(some, rule).shown(0.05)


def test_a_better_canary_is_never_stopped() -> None:
    """The test looks one way only."""
    some = pairs(4, 1_000, bias=2.0)
    turned = Pairs(champion=some.canary, canary=some.champion, requests=some.requests, days=some.days)
    found = harm(turned, RULE)
    assert found.mean < 0
    assert not found.shown(0.5)


def test_identical_versions_show_nothing() -> None:
    """Harms that are all zero are evidence of nothing, and no reason to fail."""
    losses = np.ones(100)
    found = harm(Pairs(champion=losses, canary=losses, requests=range(100), days=range(100)), RULE)
    assert (found.mean, found.shown(0.5)) == (0.0, False)


def test_no_rows_show_nothing() -> None:
    """Before the first full group there is no evidence and no bound."""
    found = harm(first(pairs(1, 50), GROUP_ROWS - 1), RULE)
    assert (found.groups, found.low, found.high, found.evidence) == (0, None, None, 1.0)


def test_a_request_of_many_rows_is_one_observation() -> None:
    """Rows that came in one request are not taken for independent ones: one bad request is no proof."""
    some = pairs(5, 1_000, bias=2.0)
    one = Pairs(champion=some.champion, canary=some.canary, requests=["same"] * 1_000, days=["same"] * 1_000)
    assert (harm(one, RULE).groups, harm(one, RULE).shown(0.05)) == (1, False)


def test_a_long_canary_is_judged_by_days() -> None:
    """Planned for a week or more, its days are the groups, whatever the requests."""
    rule = Canary(days=14, alpha=0.05)
    some = pairs(6, 1_000, bias=1.0)
    days = Pairs(
        champion=some.champion, canary=some.canary, requests=some.requests, days=[n // 100 for n in range(1_000)]
    )
    assert (harm(days, rule).groups, planned_groups(rule)) == (10, 14)
    assert harm(days, rule).shown(0.05)


@given(st.lists(st.integers(1, 30), max_size=30), st.integers(1, 40))
def test_groups_only_grow_at_the_end(sizes: list[int], fewest: int) -> None:
    """What was counted stays as it was when more requests come: the stream is one that may be looked at any time."""
    keys = [place for place, size in enumerate(sizes) for _ in range(size)]
    values = np.random.default_rng(7).normal(size=len(keys))
    whole = group_means(values, keys, fewest=fewest).tolist()
    for count in range(len(sizes)):
        rows = sum(sizes[:count])
        before = group_means(values[:rows], keys[:rows], fewest=fewest).tolist()
        assert whole[: len(before)] == pytest.approx(before)
