"""How much room an inferred rule leaves: enough for batches like those seen, in round numbers that seldom change."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10, nextafter

ROOM = 0.5
"""Part of the range seen that is added at either end."""
STEPS = (5.0, 2.0, 1.0)
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999)
"""Shares that a rule may name."""
LEAST_MATCHED = 0.5
"""A lookup that fewer rows find than this is taken for unrelated."""


def lowest_allowed(low: float, high: float) -> float | None:
    """The `min` for values from `low` to `high`: 0 where none is negative and 0 is near; None where nothing is known.

    >>> lowest_allowed(17, 4983), lowest_allowed(-43, 1301), lowest_allowed(40.1, 41.3), lowest_allowed(7, 7)
    (0.0, -1000.0, 39.5, 0.0)
    """
    room = ROOM * (high - low)
    if low >= 0 and (low == high or low <= room):
        return 0.0
    found = _step(low - room, room, up=False)
    return found if found is not None and found <= low else None


def highest_allowed(low: float, high: float) -> float | None:
    """The `max` for values from `low` to `high`; None where nothing is known.

    >>> highest_allowed(17, 4983), highest_allowed(0, 23), highest_allowed(-9, -1), highest_allowed(7, 7)
    (8000.0, 40.0, 4.0, None)
    """
    room = ROOM * (high - low)
    found = _step(high + room, room, up=True)
    return found if found is not None and found >= high else None


def _step(value: float, room: float, *, up: bool) -> float | None:
    """The next multiple of the largest of 1, 2, 5, 10, 20, ... that is no more than `room`; None if it overflows."""
    if not isfinite(value) or not isfinite(room) or room <= 0:
        return None
    power = floor(log10(room))
    step = next((each * 10.0**power for each in STEPS if each * 10.0**power <= room), 10.0**power)
    if step == 0 or not isfinite(value / step):
        return None
    found = round((ceil if up else floor)(value / step) * step, max(-power, 0))
    return found + 0.0 if isfinite(found) else None


def missing_allowed(found: float) -> float:
    """The `missing` for a column of which at most the share `found` was missing: twice that, never all of it.

    >>> missing_allowed(0.03), missing_allowed(0.8), missing_allowed(1)
    (0.1, 0.9, 1.0)
    """
    wanted = min(2 * found, (1 + found) / 2, nextafter(1, 0))
    return next((share for share in SHARES if share >= wanted), wanted) if found < 1 else 1.0


def matched_required(found: float) -> float | None:
    """The `matched` for a lookup that at least the share `found` of rows found; None if it is taken for unrelated.

    >>> matched_required(1), matched_required(0.85), matched_required(0.6), matched_required(0.2)
    (0.99, 0.7, 0.5, None)
    """
    if found < LEAST_MATCHED:
        return None
    wanted = max(1 - 2 * (1 - found), LEAST_MATCHED)
    return next(share for share in reversed(SHARES) if share <= min(wanted, 0.99))
