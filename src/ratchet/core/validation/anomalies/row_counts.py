"""Far fewer rows than any earlier batch had, or far more: a filter that was left on, a join that multiplied."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.schema import Level, Rows
from ratchet.core.validation.anomalies.compared import LEAST_ROWS, Compared, batches, many
from ratchet.core.validation.records import Finding

LEAST_BATCHES = 2
"""Earlier batches from which on it can be said what is usual."""
BEYOND = 2.0
"""How many times fewer than the fewest, or more than the most; also how far earlier batches may lie apart."""
NOTHING = 10.0
"""How many times fewer rows are as good as none."""


def odd_row_count(compared: Compared) -> Iterator[Finding]:
    """A number of rows that is far from all earlier ones. A warning; refused if next to nothing of a period came."""
    counts = [each.rows for each in compared.before]
    if len(counts) < LEAST_BATCHES or min(counts) < LEAST_ROWS or max(counts) > BEYOND * min(counts):
        return
    rows = compared.now.rows
    if min(counts) / BEYOND <= rows <= BEYOND * max(counts):
        return
    less = rows < min(counts)
    known = isinstance(compared.table, Rows) and compared.table.period is not None
    level: Level = "refuse" if known and rows * NOTHING < min(counts) else "warn"
    sentence = (
        f"has {many(rows, 'row')}, far {'fewer' if less else 'more'} than "
        f"{batches(len(counts))}: {min(counts):,} to {max(counts):,}"
    )
    concerned = min(counts) - rows if less else rows - max(counts)
    yield compared.finding("row-count", level, "*", sentence, count=concerned)
