"""Days that should have rows and have none: a batch that ends early, starts late, or has a hole.

What is not there before the first day or after the last is only known where the schema names the rows' period, or
where earlier batches all had about as many days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from ratchet.core.schema import Period, Rows
from ratchet.core.validation.anomalies.compared import Compared, batches, many
from ratchet.core.validation.profile import DAYS, TableProfile, time_column
from ratchet.core.validation.records import Finding

EXPECTED = 20
"""Rows that a gap should have held, by the other days, to be one."""
STEADY = 1.2
"""Earlier batches have about as many days each if none has more than so many times those of another."""
FEWER = 0.9
"""Share of the fewest days so far, below which a batch is cut short."""
LEAST_DAYS = 5
"""Days with rows that say what the others should hold: a snapshot has one."""
PARTIAL = 0.5
"""Share of the fewest rows of any day, below which the last day is cut short, or a holiday."""
LATER = 0.1
"""Share of rows that usually come later in the day than the last one of all: from there on it is no holiday."""


@dataclass(frozen=True)
class Span:
    """The slots of a batch's period, days or hours, with the rows in each; empty ones at the ends only if known."""

    slots: tuple[str, ...]
    rows: tuple[int, ...]
    unit: str

    @property
    def filled(self) -> list[int]:
        """Places with rows."""
        return [place for place, rows in enumerate(self.rows) if rows]

    @property
    def ends(self) -> tuple[int, int]:
        """Empty slots before the first filled one, and after the last."""
        return self.filled[0], len(self.rows) - 1 - self.filled[-1]

    @property
    def holes(self) -> list[tuple[int, int]]:
        """Inner stretches without rows: where each starts, and how long it is; the longest first."""
        found = [(one + 1, other - one - 1) for one, other in pairwise(self.filled) if other - one > 1]
        return sorted(found, key=lambda hole: (-hole[1], hole[0]))

    @property
    def longest_hole(self) -> int:
        """Slots of the longest inner stretch without rows."""
        return self.holes[0][1] if self.holes else 0

    @property
    def usual_rows(self) -> float:
        """Rows of a slot."""
        return sum(self.rows) / (self.filled[-1] - self.filled[0] + 1)


def missing_days(compared: Compared) -> Iterator[Finding]:
    """Gaps in a table's time, longer than any there was. Refused."""
    now = _span(compared, compared.now)
    if now is None:
        return
    time = str(time_column(compared.table))
    before = [span for span in (_span(compared, each) for each in compared.before) if span]
    short = [*_cut_short(compared, time, now, before), *_fewer_days(compared, time, now, before)]
    # A file that was cut ends early, and mostly in the middle of a day: that is one thing, and said once.
    yield from short or _partial_end(compared, time, now, before)
    yield from _holes(compared, time, now, before)


def _cut_short(compared: Compared, time: str, now: Span, before: Sequence[Span]) -> Iterator[Finding]:
    allowed = max([now.longest_hole, *(each.longest_hole for each in before)])
    if not before and len(now.filled) < LEAST_DAYS:
        return
    expected = min([now.usual_rows, *(sum(each.rows) / len(each.rows) for each in before)])
    for end, (place, words) in enumerate(((0, "starts late"), (-1, "ends early"))):
        gap = now.ends[end]
        if gap <= max([allowed, *(each.ends[end] for each in before)]) or gap * expected < EXPECTED:
            continue
        found, none = now.slots[now.filled[place]], f"{many(gap, now.unit)} of the period without rows"
        sentence = (
            f"{words}: its {('first', 'last')[end]} {now.unit} with rows is {found}, which leaves {none}; "
            f"{_compared_with(before, allowed, now.unit)}"
        )
        yield compared.finding("truncated", "refuse", time, sentence, count=round(gap * expected))


def _fewer_days(compared: Compared, time: str, now: Span, before: Sequence[Span]) -> Iterator[Finding]:
    """Fewer days than any earlier batch: for tables whose period is not known."""
    days = [len(each.filled) for each in before]
    if _period(compared) or len(days) < 2 or min(days) < LEAST_DAYS or max(days) > STEADY * min(days):
        return
    if len(now.filled) < FEWER * min(days) and (min(days) - len(now.filled)) * now.usual_rows >= EXPECTED:
        sentence = (
            f"covers {many(len(now.filled), now.unit)}, {now.slots[now.filled[0]]} to {now.slots[now.filled[-1]]}; "
            f"{batches(len(days))} covered {min(days)} to {max(days)}"
        )
        missing = round((min(days) - len(now.filled)) * now.usual_rows)
        yield compared.finding("truncated", "refuse", time, sentence, count=missing)


def _partial_end(compared: Compared, time: str, now: Span, before: Sequence[Span]) -> Iterator[Finding]:
    """A last day with far fewer rows than any day has had: the table ends in the middle of it."""
    if not before or now.unit != "day" or len(now.filled) < LEAST_DAYS:
        return
    last = now.rows[now.filled[-1]]
    least = min([*(now.rows[place] for place in now.filled[:-1]), *(min(filter(None, each.rows)) for each in before)])
    if last < PARTIAL * least and least - last >= EXPECTED:
        day = now.slots[now.filled[-1]]
        cut = _ends_early(compared, time, day)
        others = f"no other day of this batch or of {batches(len(before))} has fewer than {least:,}"
        what = "ends in the middle of a day" if cut else "has few rows on its last day"
        sentence = f"{what}: {day} has {many(last, 'row')}, and {others}"
        yield compared.finding("truncated", "refuse" if cut else "warn", time, sentence, count=least - last)


def _ends_early(compared: Compared, time: str, day: str) -> bool:
    """Whether the last moment, if it is of `day`, is one that many rows of other days come after."""
    times = compared.now.columns[time].times
    if times is None or not times.last.startswith(day):
        return True
    hour = datetime.fromisoformat(times.last).hour
    return sum(times.hours[hour + 1 :]) >= LATER * sum(times.hours)


def _holes(compared: Compared, time: str, now: Span, before: Sequence[Span]) -> Iterator[Finding]:
    """Without earlier batches, the second longest hole is what is usual: weekends, say."""
    holes = now.holes
    own = holes[1][1] if len(holes) > 1 and not before else 0
    allowed = max([own, *(each.longest_hole for each in before)])
    for start, length in holes[:1]:
        if length > allowed and length * now.usual_rows >= EXPECTED:
            sentence = (
                f"has no rows for {many(length, now.unit)} from {now.slots[start]} on; "
                f"{_compared_with(before, allowed, now.unit)}"
            )
            yield compared.finding("missing-days", "refuse", time, sentence, count=round(length * now.usual_rows))


def _compared_with(before: Sequence[Span], allowed: int, unit: str) -> str:
    if not before:
        return f"no other gap of it is longer than {many(allowed, unit)}"
    gaps = f"the longest gap was {many(allowed, unit)}" if allowed else "there was no gap"
    return f"{gaps} in {batches(len(before))}"


def _period(compared: Compared) -> Period | None:
    return compared.table.period if isinstance(compared.table, Rows) else None


def _span(compared: Compared, profile: TableProfile) -> Span | None:
    """The days of the period that most rows are in; the hours of the day where the period is a day."""
    period, time = _period(compared), time_column(compared.table)
    if not profile.days or time is None or len(profile.days) >= DAYS:
        return None
    times = profile.columns[time].times
    if period and period.every == "day" and times:
        return Span(tuple(f"{hour:02d}:00" for hour in range(24)), times.hours, "hour")
    rows = {date.fromisoformat(each.day): each.rows for each in profile.days}
    first, after = _bounds(rows, period)
    days = [first + timedelta(days=place) for place in range((after - first).days)]
    if not 2 <= len(days) <= DAYS:
        return None
    return Span(tuple(day.isoformat() for day in days), tuple(rows.get(day, 0) for day in days), "day")


def _bounds(rows: dict[date, int], period: Period | None) -> tuple[date, date]:
    """The first day, and the one after the last. Without a period, of the days around the one in the middle."""
    if period is None:
        return min(rows), max(rows) + timedelta(days=1)
    weights: Counter[date] = Counter()
    for day, count in rows.items():
        weights[_start(day, period)] += count
    start = max(weights, key=lambda day: (weights[day], day))
    return start, _start(start + timedelta(days={"day": 1, "week": 7, "month": 31, "year": 366}[period.every]), period)


def _start(day: date, period: Period) -> date:
    """The first day of the period that `day` is in."""
    if period.every == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1, month=1 if period.every == "year" else day.month) if period.every != "day" else day
