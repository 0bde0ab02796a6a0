"""When a shadow or a canary has passed, has failed, or goes on."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.harm import Pairs
from ratchet.core.phase_evidence import Seen, judge
from ratchet.core.phases import Canary, Shadow


def pairs(rows: int, harm: float) -> Pairs:
    """Rows on which the canary's loss is about so much higher."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=rows)
    return Pairs(champion=np.ones(rows), canary=1 + harm + noise, requests=range(rows), days=range(rows))


def test_a_shadow_goes_on_until_rows_and_days_are_reached() -> None:
    """Both must be there where both are declared; the progress says how far each has come."""
    rule = Shadow(rows=5_000, days=2)
    found = [judge(rule, Seen(scored=rows, days=days)) for rows, days in ((3_120, 1.0), (5_000, 1.0), (9_000, 2.0))]
    assert [each.result for each in found] == [None, None, "passed"]
    assert found[0].progress == "3,120 of 5,000 rows, 1 of 2 days"
    assert found[2].reason == "9,000 rows in 2 days, none failed"


def test_days_alone_need_a_row() -> None:
    """Time passes by itself: a version that scored nothing has shown nothing."""
    assert judge(Shadow(days=1), Seen(days=30.0)).result is None
    assert judge(Shadow(days=1), Seen(days=30.0, scored=1)).result == "passed"


def test_one_failure_ends_a_phase_that_allows_none() -> None:
    """At once, and the reason has the numbers and the error."""
    found = judge(Shadow(rows=5_000), Seen(scored=300, failed=12, last_error="ValueError: boom"))
    assert found.result == "failed"
    assert found.reason == (
        "it failed on 12 of 312 rows that the champion scored (3.85%); 0.00% may fail. The last time: ValueError: boom"
    )


def test_failures_within_what_is_allowed_do_not_end_it() -> None:
    """While rows to come can make the share small enough, it goes on; once they cannot, it fails."""
    rule = Shadow(rows=1_000, max_failed=0.01)
    assert judge(rule, Seen(scored=10, failed=10)).result is None
    assert judge(rule, Seen(scored=10, failed=11)).result == "failed"
    assert judge(rule, Seen(scored=1_000, failed=10)).result == "passed"


def test_a_version_that_always_fails_is_ended_though_it_never_scores() -> None:
    """Rows that are reached by scored ones only must not keep a broken one on trial for ever."""
    assert judge(Shadow(rows=100, max_failed=0.5), Seen(failed=101)).result == "failed"


@given(st.integers(0, 2_000), st.integers(0, 200), st.integers(0, 2_000), st.sampled_from([0.0, 0.01, 0.1]))
def test_what_has_failed_stays_failed(scored: int, failed: int, more: int, allowed: float) -> None:
    """Failed before the rows are reached, it would have failed at their end, whatever the rest had been like."""
    rule = Shadow(rows=1_000, max_failed=allowed)
    if scored < 1_000 and judge(rule, Seen(scored=scored, failed=failed)).result == "failed":
        assert judge(rule, Seen(scored=max(1_000, min(scored + more, 1_000)), failed=failed)).result == "failed"


def test_rows_that_it_was_not_asked_neither_count_nor_fail() -> None:
    """The phase stands still, and says why."""
    found = judge(Shadow(rows=10), Seen(not_scored={"the request has no gust": 500, "busy": 3}))
    assert (found.result, found.progress) == (
        None, "0 of 10 rows; 503 rows were not scored by it, mostly because the request has no gust",
    )  # fmt: skip


def test_a_canary_without_labels_passes_and_says_so() -> None:
    """On rows alone, if no labels were asked for; nobody is to believe that it was compared."""
    found = judge(Canary(rows=10), Seen(scored=10))
    assert found.result == "passed"
    assert "no label was seen" in found.reason
    assert judge(Canary(rows=10, labels=1), Seen(scored=10)).result is None


def test_a_worse_canary_fails_before_its_rows_are_there() -> None:
    """As soon as it is shown, with the difference, its bound and the evidence."""
    found = judge(Canary(rows=10_000), Seen(scored=200, pairs=pairs(200, 0.2), metric="log_loss"))
    assert found.result == "failed"
    assert found.reason.startswith("it is worse than the champion: log_loss +0.1926 a row")
    assert found.numbers["evidence"] > 20


def test_a_canary_waits_for_its_labels() -> None:
    """Rows are there before their labels; the progress names both."""
    rule, seen = Canary(rows=100, labels=300), Seen(scored=400, pairs=pairs(200, -0.1), metric="log_loss")
    assert judge(rule, seen).result is None
    assert judge(rule, seen).progress == "400 of 100 rows, 200 of 300 labels"
    assert judge(rule.model_copy(update={"labels": 200}), seen).result == "passed"


def test_the_numbers_are_finite() -> None:
    """They go into the ledger as JSON."""
    for seen in (Seen(), Seen(scored=5, pairs=pairs(5, 0.0)), Seen(scored=50, pairs=pairs(50, 0.0))):
        assert all(np.isfinite(value) for value in judge(Canary(rows=10), seen).numbers.values())
