"""Swapped columns: each of two columns looks like what the other one was in earlier batches, and not like itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.distances import distances, noise, quantiles, shares, usual, variation
from ratchet.core.validation.profile import CATEGORIES, ColumnProfile
from ratchet.core.validation.records import Finding

FAR = 0.15
"""A column closer to its own past than this is itself."""
MOVING = 0.5
"""Earlier batches so far from one another are of a column that is never what it was."""
GAIN = 2.5
"""How many times closer to the other's past each must be than to its own."""


def swapped_columns(compared: Compared) -> Iterator[Finding]:
    """Pairs of columns, of numbers or of categories, that have changed places. Refused."""
    strange = [pair for pair in compared.pairs() if _far(pair)]
    for one, other in combinations(strange, 2):
        if one.now.distinct < 2 or other.now.distinct < 2:
            continue
        own = min(_apart(one.now, one.before), _apart(other.now, other.before))
        crossed = max(_apart(one.now, other.before), _apart(other.now, one.before))
        if crossed * GAIN > own:
            continue
        sentence = (
            f"look swapped: each is within {100 * crossed:.0f}% of rows of what the "
            f"other was in {batches(len(one.before))}, and at least {100 * own:.0f}% away from what it was itself"
        )
        yield compared.finding(
            "swapped-columns", "refuse", f"{one.column}+{other.column}", sentence, count=compared.now.rows
        )


def _far(pair: Pair) -> bool:
    apart = _apart(pair.now, pair.before)
    apart_before = _usual(pair)
    return apart_before <= MOVING and apart >= max(FAR, noise(pair.rows, pair.rows_before), apart_before)


def _usual(pair: Pair) -> float:
    return usual(quantiles(pair.numbers_before)) if pair.numbers_before else 0.0


def _apart(now: ColumnProfile, before: tuple[ColumnProfile, ...]) -> float:
    """The distance to the nearest of the earlier ones; 1 where they are of another kind."""
    if now.numbers:
        numbers = [each.numbers for each in before if each.numbers]
        return float(distances(quantiles([now.numbers]), quantiles(numbers)).min()) if numbers else 1.0
    if now.texts and now.distinct <= CATEGORIES:
        return min((variation(shares(now), shares(each)) for each in before if each.texts), default=1.0)
    return 1.0 if now.texts else 0.0
