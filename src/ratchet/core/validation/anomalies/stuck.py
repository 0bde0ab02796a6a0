"""A stuck sensor: one value that stays far longer than any did."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.validation.anomalies.compared import Compared, batches
from ratchet.core.validation.records import Finding

LEAST = 12
"""Rows that a run must have."""
BEYOND = 3.0
"""How many times the longest run so far it must be."""


def stuck_sensors(compared: Compared) -> Iterator[Finding]:
    """Columns of numbers with a run of one value, in time order and within one thing. A warning."""
    for pair in compared.pairs():
        before = [each.run for each in pair.numbers_before]
        run = pair.now.numbers.run if pair.now.numbers else 0
        if not before or min(before) == 0 or run < max(LEAST, BEYOND * max(before)):
            continue
        sentence = f"has the same value {run} times in a row, at most {max(before)} times in {batches(len(before))}"
        yield compared.finding("stuck", "warn", pair.column, sentence, count=run)
