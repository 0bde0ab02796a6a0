"""What the pages over data say in words."""

from __future__ import annotations

import pytest

from ratchet.core.explore.facts import BatchFacts
from ratchet.core.explore.target import Rate
from ratchet.core.findings import Estimate
from ratchet.io.explore import words


def _rate(rows: int, low: float | None) -> Rate:
    estimate = Estimate(
        value=9.6, low=low, high=low and low + 2, standard_error=None, rows=rows, clusters=1, assumed_independent=False
    )
    return Rate(name="", estimate=estimate)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (_rate(20, 8.5), "95% interval; 20 rows with a label, in 1 cluster (split.cluster)"),
        (_rate(1, None), "1 row with a label, in 1 cluster (split.cluster)"),
    ],
)
def test_an_interval_is_named_only_where_there_is_one(rate: Rate, said: str) -> None:
    """One row has a mean, and nothing to say how sure it is."""
    assert words.interval_words(rate) == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (None, "not checked yet"),
        ({"rows": 0, "weather": 0}, "none"),
        ({"rows": 1, "weather": 0}, "1 row"),
        ({"rows": 2, "weather": 1}, "2 rows, 1 of weather"),
    ],
)
def test_quarantine_in_words(counts: dict[str, int] | None, said: str) -> None:
    """Rows of the batch are rows; those of a lookup are named after it."""
    facts = BatchFacts(batch="b", tables={}, target=None, coverage=None, quarantined=counts)
    assert words.quarantine_words(facts) == said
