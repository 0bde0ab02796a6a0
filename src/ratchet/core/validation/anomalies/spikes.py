"""Numbers that pile up: at a limit they were cut at, at a value that stands for nothing, or at whole numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ratchet.core.validation.anomalies.compared import Compared, Pair, batches
from ratchet.core.validation.anomalies.distances import shares
from ratchet.core.validation.profile import DECIMALS, PROBABILITIES, Numbers
from ratchet.core.validation.records import Finding

SPIKE = 0.02
"""Share of rows from which on values that pile up are a finding."""
BEYOND = 5.0
"""How many times the share must be of what it was."""
EXPECTED = 10
"""Rows that a spike must have."""
STAND_INS = frozenset(
    ["0", "-1", "-9", "-99", "-999", "-9999", "99", "999", "9999", "99999", "999999", "-32768", "32767"]
)
"""Numbers that stand for a missing one."""
WORDS = frozenset(
    ["", "-", "--", "?", ".", "n/a", "na", "nan", "none", "null", "nil", "unknown", "missing", "tbd", "#n/a"]
)
"""Texts that stand for a missing one."""
EPOCHS = ("1900-01-01", "1970-01-01", "1899-12-30", "1601-01-01", "2000-01-01", "0001-01-01", "9999-12-31")
"""Days that stand for a missing one."""
CUT = {"highest": "largest", "lowest": "smallest"}
FINE, COARSE = 0.5, 0.99
"""Share of values that needed no more decimals before, at most, and that need no more now, at least."""


def piled_up(compared: Compared) -> Iterator[Finding]:
    """Values that pile up as they did in no earlier batch; one finding a column. Warnings."""
    for pair in compared.pairs():
        found = _stand_in(compared, pair) or _clipped(compared, pair) or _rounded(compared, pair)
        if found is not None:
            yield found


def _stand_in(compared: Compared, pair: Pair) -> Finding | None:
    """A value such as -999 or "N/A" where a value is missing."""
    now, before = shares(pair.now), [shares(each) for each in pair.before]
    scale = sum(each.count for each in pair.now.top) / max(pair.rows, 1)
    for value, share in now.items():
        usual = max(each.get(value, 0.0) for each in before)
        part = share * scale
        if (
            pair.now.distinct < 2
            or not _stands_in(value, pair)
            or part < max(SPIKE, BEYOND * usual)
            or part * pair.rows < EXPECTED
        ):
            continue
        sentence = (
            f"is {value!r} in {100 * part:.0f}% of rows, in at most {100 * usual:.1f}% in "
            f"{batches(len(before))}: does it stand for a missing value?"
        )
        return compared.finding(
            "default-value", "warn", pair.column, sentence, count=round(part * pair.rows), examples=[value]
        )
    return None


def _stands_in(value: str, pair: Pair) -> bool:
    if pair.now.numbers:
        return value in STAND_INS
    return value.startswith(EPOCHS) if pair.now.times else value.strip().casefold() in WORDS


def _clipped(compared: Compared, pair: Pair) -> Finding | None:
    """A spike at the largest or smallest value, which is less extreme than it was."""
    now, before = pair.now.numbers, pair.numbers_before
    if now is None or not before or pair.now.distinct < EXPECTED:
        return None
    for end, place in (("highest", -1), ("lowest", 0)):
        share = getattr(now, end)
        usual = max(getattr(each, end) for each in before)
        limit = now.quantiles[place]
        beyond = min(_beyond(each, limit, place) for each in before)
        if beyond * pair.rows >= 2 * EXPECTED and share >= max(SPIKE, BEYOND * usual) and share * pair.rows >= EXPECTED:
            sentence = (
                f"is cut off at {limit:.6g}, its {CUT[end]} value, in {100 * share:.0f}% of rows; "
                f"{batches(len(before))} went beyond in {100 * beyond:.0f}% of rows or more"
            )
            return compared.finding("clipped", "warn", pair.column, sentence, count=round(share * pair.rows))
    return None


def _beyond(numbers: Numbers, limit: float, place: int) -> float:
    """The share of values beyond a limit, at its upper end (place -1) or at its lower one, as the quantiles tell."""
    if place:
        return max((1 - share for share, each in zip(PROBABILITIES, numbers.quantiles, strict=True) if each > limit),
                   default=0.0)  # fmt: skip
    return max((share for share, each in zip(PROBABILITIES, numbers.quantiles, strict=True) if each < limit), default=0)


def _rounded(compared: Compared, pair: Pair) -> Finding | None:
    """Nearly all values do with fewer decimals than half of them needed."""
    now, before = pair.now.numbers, pair.numbers_before
    if now is None or not before or pair.now.distinct < 2:
        return None
    for places in range(DECIMALS):
        usual = max(each.decimals[places] for each in before)
        if now.decimals[places] >= COARSE and usual <= FINE:
            sentence = (
                f"is rounded to {places} decimals in {100 * now.decimals[places]:.0f}% of rows, in at "
                f"most {100 * usual:.0f}% in {batches(len(before))}"
            )
            return compared.finding("precision-loss", "warn", pair.column, sentence, count=pair.rows)
    return None
