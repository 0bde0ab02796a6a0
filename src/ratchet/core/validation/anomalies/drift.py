"""Drift: a column lies farther from all earlier batches than any of those from the nearest other one. A warning."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.distances import (
    distances,
    noise,
    quantiles,
    shares,
    spread,
    usual,
    variation,
    variations,
)
from ratchet.core.validation.profile import CATEGORIES, ColumnProfile
from ratchet.core.validation.records import Finding

LEAST_BATCHES = 3
"""Earlier batches from which on it can be said what is usual."""
FAR = 0.15
"""Share of rows that must lie differently."""
BEYOND = 2.0
"""How many times as far out as any earlier batch."""


def drifted(compared: Compared) -> Iterator[Finding]:
    """Columns of numbers and of categories whose distribution is new."""
    for pair in compared.pairs():
        if len(pair.before) < LEAST_BATCHES:
            continue
        apart, most = _numbers(pair) if pair.now.numbers else _categories(pair)
        if apart <= max(FAR, BEYOND * most, noise(pair.rows, pair.rows_before)):
            continue
        sentence = (
            f"has moved: {100 * apart:.0f}% of rows lie differently from the nearest of "
            f"{batches(len(pair.before))}, which lie up to {100 * most:.0f}% apart; {_words(pair.now)}, it was "
            f"{_words(pair.before[-1])} in the last of them"
        )
        yield compared.finding("drift", "warn", pair.column, sentence, count=round(apart * pair.rows))


def _numbers(pair: Pair) -> tuple[float, float]:
    """The distance from the nearest earlier batch, and the farthest that any of those is from its nearest."""
    before = pair.numbers_before
    if pair.now.numbers is None or len(before) < LEAST_BATCHES:
        return 0.0, 1.0
    old = quantiles(before)
    return float(distances(quantiles([pair.now.numbers]), old).min()), usual(old)


def _categories(pair: Pair) -> tuple[float, float]:
    if pair.now.times or any(each.distinct > CATEGORIES for each in (pair.now, *pair.before)):
        return 0.0, 1.0
    now, before = shares(pair.now), [shares(each) for each in pair.before]
    return min(variation(now, each) for each in before), spread(variations(before))


def _words(column: ColumnProfile) -> str:
    if column.numbers:
        low, middle, high = (column.numbers.quantiles[place] for place in (3, 7, 11))
        return f"median {middle:.6g} (80% within {low:.6g} to {high:.6g})"
    return ", ".join(f"{value} {100 * share:.0f}%" for value, share in list(shares(column).items())[:3])
