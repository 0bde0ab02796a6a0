"""Numbers and lists as a report writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NONE = "–"
"""What stands where there is no number."""
ABSENT = "(not there)"
"""What a parameter or package is on the side that does not have it."""

SHORT_SHA = 7


PLACES, MOST_PLACES = 4, 7
"""Decimal places of a number, and of numbers side by side at most: what those hide is written with an exponent."""


def places(values: Iterable[float | None]) -> int:
    """How many decimal places numbers that are read together need, so that none of them is rounded to nothing.

    >>> places([0.0204, 0.000042, 0.0, None])
    5
    """
    sizes = [abs(value) for value in values if value and not _hidden(abs(value), MOST_PLACES)]
    least = min(sizes, default=1.0)
    return next((most for most in range(PLACES, MOST_PLACES) if not _hidden(least, most)), MOST_PLACES)


def number(value: float | None, *, sign: str = "", places: int = PLACES) -> str:
    """So many places, two significant ones for what they would hide, thousands set apart for what is large."""
    if value is None:
        return NONE
    if abs(value) >= 1000:
        return f"{value:{sign},.1f}"
    if value and _hidden(abs(value), places):
        return f"{value:{sign}.1e}"
    return f"{value + 0.0:{sign}.{places}f}"


def _hidden(size: float, places: int) -> bool:
    """Whether so many places round it to nothing."""
    return float(f"{size:.{places}f}") == 0


def between(low: float | None, high: float | None, *, places: int = PLACES) -> str:
    """An interval of a gain, with both signs."""
    if low is None or high is None:
        return NONE
    return f"{number(low, sign='+', places=places)} to {number(high, sign='+', places=places)}"


def count(amount: int, one: str, many: str = "") -> str:
    """'1 file', '2 files', '1,200 rows'."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """Seconds below a minute and minutes above: '0.4 s', '48 s', '3 min 20 s', '2 h 5 min'."""
    if seconds is None:
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def listed(names: Iterable[str], most: int = 5, *, total: int = 0) -> str:
    """The first names, and how many more there are: 'a, b and 12 more'. `total` counts also what `names` leaves out."""
    every = [shortened(name, 60) for name in names]
    shown = every[:most]
    left = max(total, len(every)) - len(shown)
    return f"{', '.join(shown)} and {left:,} more" if left else ", ".join(shown)


def shortened(text: str, most: int) -> str:
    """`text`, cut to `most` characters with an ellipsis in place of the rest."""
    return text if len(text) <= most else text[: most - 1] + "…"


def moved(name: str, old: str | None, new: str | None) -> str:
    """A key and what became of its value: 'gate.alpha 0.1 → 0.2'."""
    before, after = (ABSENT if value is None else shortened(value, 24) for value in (old, new))
    return f"{shortened(name, 40)} {before} → {after}"


def sentence(parts: Sequence[str]) -> str:
    """Parts joined by commas; what is empty is left out."""
    return ", ".join(part for part in parts if part)


def commit(sha: str) -> str:
    """The first characters of a commit's name."""
    return sha[:SHORT_SHA]


def words(name: str) -> str:
    """A metric's name as people say it: 'log_loss' is 'log loss'."""
    return shortened(name.replace("_", " "), 60)
