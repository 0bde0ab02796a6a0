"""When a cron line comes due: POSIX cron, five fields, UTC, as GitHub's `schedule` has it. Pure.

Each field is a list of `*`, numbers and ranges, each with an optional step: `*/15`, `1-5`, `0,30`. Months and days of
the week may be named by three letters. A day counts if the month's day or the week's does, when both are restricted.

Source: POSIX.1-2017, `crontab`; GitHub's "Events that trigger workflows", `schedule`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ratchet.errors import UsageError

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
ITEM = re.compile(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d+))?")
LOOK_BACK = timedelta(days=8)
"""What came due longer ago is not made up for."""


def is_due(line: str, *, since: datetime | None, now: datetime) -> bool:
    """Whether the line came due after `since` and not after `now`, both whole minutes UTC; without `since`, just now.

    Raises UsageError if the line cannot be read.
    """
    fields = read(line)
    first = now if since is None else max(since + timedelta(minutes=1), now - LOOK_BACK)
    minutes = int((now - first).total_seconds() // 60)
    return any(_matches(fields, first + timedelta(minutes=step), line) for step in range(minutes + 1))


def read(line: str) -> tuple[frozenset[int], ...]:
    """The minutes, hours, days, months and weekdays (0 is Sunday) of a line. Raises UsageError if it is none."""
    words = line.split()
    if len(words) != len(FIELDS):
        raise UsageError(f"the cron {line!r} has {len(words)} fields, not {len(FIELDS)}", next_step="mend the workflow")
    return tuple(
        frozenset(number for item in word.split(",") for number in _item(line, item, *field))
        for word, field in zip(words, FIELDS, strict=True)
    )


def _matches(fields: tuple[frozenset[int], ...], moment: datetime, line: str) -> bool:
    minutes, hours, days, months, weekdays = fields
    if moment.minute not in minutes or moment.hour not in hours or moment.month not in months:
        return False
    by_month, by_week = moment.day in days, moment.isoweekday() % 7 in weekdays
    restricted = [word for word in line.split()[2::2] if not word.startswith("*")]
    return by_month or by_week if len(restricted) == 2 else by_month and by_week


def _item(line: str, item: str, name: str, least: int, most: int) -> range:
    found = ITEM.fullmatch(item)
    if found is None:
        raise UsageError(f"the cron {line!r} has no {name} {item!r}", next_step="mend the workflow")
    whole, first, last, step = found.groups()
    if whole == "*":
        low, high = least, most
    else:
        low = _number(line, first, name)
        high = _number(line, last, name) if last else most if step else low
    if not least <= low <= high <= most or step == "0":
        raise UsageError(f"the cron {line!r}: {name} is {least} to {most}, not {item!r}", next_step="mend the workflow")
    return range(low, high + 1, int(step or 1))


def _number(line: str, word: str, name: str) -> int:
    names = NAMES.get(name, ())
    if word.isdigit():
        return int(word)
    if word.lower() in names:
        return names.index(word.lower()) + (1 if name == "month" else 0)
    raise UsageError(f"the cron {line!r} has no {name} {word!r}", next_step="mend the workflow")
