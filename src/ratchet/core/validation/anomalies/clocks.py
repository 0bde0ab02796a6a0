"""A shifted clock: the hours of the day fit earlier batches once they are all moved by the same number of hours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ratchet.core.validation.anomalies.compared import Compared, batches
from ratchet.core.validation.anomalies.distances import noise
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

    One hour is not a finding where moments are read in UTC: summer time alone moves them so.
    """
    for pair in compared.pairs():
        times = pair.now.times
        hours = np.array([each.times.hours for each in pair.before if each.times], dtype=np.float64)
        if times is None or not len(hours):
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


def _apart(now: Floats, before: Floats) -> Floats:
    """The share of rows that would have to move to another hour, for each earlier batch."""
    result: Floats = np.abs(before - now).sum(axis=1) / 2
    return result
