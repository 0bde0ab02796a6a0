"""The same things twice: a day with the content of another day, and keys that an earlier batch has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from ratchet.core.schema import Level
from ratchet.core.validation.anomalies.compared import Compared, batches
from ratchet.core.validation.profile import SKETCH, TableProfile, time_column
from ratchet.core.validation.records import Finding

LEAST_COMMON = 3
"""Common key hashes without which two sketches say nothing."""
HALF = 0.5
"""Share of common keys from which on the batch as a whole is refused."""


def repeated_days(compared: Compared) -> Iterator[Finding]:
    """Days whose rows are those of another day, of this batch or of an earlier one. Refused.

    Not so where days repeat by nature: where an earlier batch has such days, or all days of this one are alike.
    """
    known = [day for each in compared.before for day in each.days if day.content]
    days = [day for day in compared.now.days if day.content]
    origin = {day.content: day.day for day in known}
    found = []
    for day in days:
        if day.content in origin:
            found.append((day.day, origin[day.content], day.rows))
        origin.setdefault(day.content, day.day)
    alike = len(days) > 2 and len(found) == len(days) - 1
    if not found or len(known) != len({day.content for day in known}) or (alike and not known):
        return
    pairs = [f"{day} repeats {first}" for day, first, _ in found]
    sentence = (
        f"{len(found)} {'day holds' if len(found) == 1 else 'days hold'} the rows of another day: "
        f"{', '.join(pairs[:3])}{' and so on' if len(pairs) > 3 else ''}"
    )
    yield compared.finding(
        "repeated-day",
        "refuse",
        str(time_column(compared.table)),
        sentence,
        count=sum(rows for *_, rows in found),
        examples=pairs,
    )


def repeated_keys(compared: Compared) -> Iterator[Finding]:
    """Keys that an earlier batch has too, where earlier batches had none in common. Refused from half of them on."""
    before = [each for each in compared.before if each.keys]
    if len(before) < 2 or any(_common(one, other) for one, other in combinations(before, 2)):
        return
    common = max(_common(compared.now, each) for each in before)
    if common * SKETCH < LEAST_COMMON:
        return
    sentence = (
        f"about {100 * common:.0f}% of the keys are those of an earlier batch; {batches(len(before))} had none in "
        "common"
    )
    count = round(common * compared.now.rows)
    level: Level = "refuse" if common >= HALF else "warn"
    yield compared.finding("repeated-keys", level, "+".join(compared.table.key), sentence, count=count)


def _common(one: TableProfile, other: TableProfile) -> float:
    """The share of `one`'s keys that `other` has, estimated from the smallest hashes of both together."""
    mine, theirs = set(one.keys), set(other.keys)
    if not mine or not theirs:
        return 0.0
    smallest = sorted(mine | theirs)[:SKETCH]
    alike = sum(each in mine and each in theirs for each in smallest) / len(smallest)
    union = (one.rows + other.rows) / (1 + alike)
    return min(alike * union / max(one.rows, 1), 1.0)
