"""Values that are missing far more often than they were."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.schema import Level
from ratchet.core.validation.anomalies.compared import LEAST_ROWS, Compared, batches
from ratchet.core.validation.anomalies.distances import noise
from ratchet.core.validation.records import Finding

MORE = 0.1
"""Share of rows by which more values must be missing than ever."""
BEYOND = 2.0
"""And how many times the spread that there was among earlier batches."""
UNKNOWN = 0.1
"""Taken for that spread where there is one earlier batch alone."""
MOST, FEW = 0.5, 0.1
"""Refused where more than `MOST` is missing, of a column that never missed more than `FEW`."""


def missing_values(compared: Compared) -> Iterator[Finding]:
    """Columns with a jump in their share of missing values: a join that failed for a part of the rows, say."""
    for name, now in compared.now.columns.items():
        old = [each for each in compared.before if name in each.columns and each.rows >= LEAST_ROWS]
        before = [each.columns[name].missing for each in old]
        if not before or compared.now.rows < LEAST_ROWS:
            continue
        chance = noise(compared.now.rows, [each.rows for each in old])
        spread = max(before) - min(before) if len(before) > 1 else UNKNOWN
        if now.missing - max(before) < max(MORE, BEYOND * spread, chance):
            continue
        sentence = (
            f"is missing in {100 * now.missing:.0f}% of rows, in at most {100 * max(before):.1f}% in "
            f"{batches(len(before))}"
        )
        level: Level = "refuse" if now.missing > MOST and max(before) <= FEW else "warn"
        yield compared.finding(
            "missing-jump", level, name, sentence, count=round((now.missing - max(before)) * compared.now.rows)
        )
