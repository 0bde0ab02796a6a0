"""A shifted clock: the hours of the day fit earlier batches once they are all moved by the same number of hours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.distances import noise
from ratchet.core.validation.profile import ColumnProfile
from ratchet.core.validation.records import Finding

Floats = NDArray[np.float64]

FAR = 0.1
"""Share of rows at other hours, from which on a shift is looked for."""
NEAR = 0.1
"""Share of rows that may still be at other hours once the clock is put back."""
GAIN = 2.5
"""How many times fewer those must be than without."""
HALF_DAY = 12


def shifted_clocks(compared: Compared) -> Iterator[Finding]:
    """Columns of moments whose hours of the day are those of earlier batches, some hours earlier or later. Refused.

    So are those that have a time zone where none had one, or the other way round: they are by another clock.
    One hour is not a finding where moments are read in UTC: summer time alone moves them so.
    """
    for pair in compared.pairs():
        times = pair.now.times
        hours = np.array([each.times.hours for each in pair.before if each.times], dtype=np.float64)
        if times is None or not len(hours):
            continue
        if (change := _zone_change(compared, pair)) is not None:
            yield change
            continue
        before = hours / hours.sum(axis=1, keepdims=True)
        now = np.array(times.hours) / sum(times.hours)
        moves = [each for each in range(-HALF_DAY + 1, HALF_DAY + 1) if abs(each) > (times.last.endswith("+00:00"))]
        as_is = float(_apart(now, before).min())
        apart = {move: float(_apart(np.roll(now, -move), before).min()) for move in moves}
        best = min(apart, key=lambda move: (apart[move], abs(move)))
        if as_is < max(FAR, noise(pair.rows, pair.rows_before)) or apart[best] > min(NEAR, as_is / GAIN):
            continue
        side = "late" if best > 0 else "early"
        sentence = (
            f"is {abs(best)} h {side}: {100 * as_is:.0f}% of rows are at other hours of the day than in "
            f"{batches(len(hours))}, {100 * apart[best]:.0f}% once moved back"
        )
        yield compared.finding("shifted-clock", "refuse", pair.column, sentence, count=pair.rows)


def _zone_change(compared: Compared, pair: Pair) -> Finding | None:
    zoned = {_has_zone(each) for each in pair.before}
    if _has_zone(pair.now) in zoned:
        return None
    now, then = ("with", "without") if _has_zone(pair.now) else ("without", "with")
    sentence = f"has moments {now} a time zone; in {batches(len(pair.before))} they were {then} one"
    return compared.finding("zone-change", "refuse", pair.column, sentence, count=pair.rows)


def _has_zone(column: ColumnProfile) -> bool:
    # Python reads the years 1 to 9999 only, so the offset is looked for as text.
    return column.times is not None and not {"+", "-"}.isdisjoint(column.times.last.partition("T")[2])


def _apart(now: Floats, before: Floats) -> Floats:
    """The share of rows that would have to move to another hour, for each earlier batch."""
    result: Floats = np.abs(before - now).sum(axis=1) / 2
    return result
