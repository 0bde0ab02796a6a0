"""What belongs together: a batch, and the batches of rows that came late for it (2013-07.late-1, 2013-07.late-2).

Late rows tell of the time of their batch. They train when it trains and judge when it judges: alone, a few rows that
happened to come late would decide what serves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LATE = re.compile(r"\.late-(\d+)$")


def without_late(name: str) -> str:
    """The name of the batch that a batch of late rows belongs to.

    >>> without_late("2013-07.late-2")
    '2013-07'
    """
    return LATE.sub("", name)


def late_number(name: str) -> int:
    """Which batch of late rows this is: 0 for the batch itself.

    >>> late_number("2013-07"), late_number("2013-07.late-10")
    (0, 10)
    """
    found = LATE.search(name)
    return int(found[1]) if found else 0


def late_name(name: str, number: int) -> str:
    """What the `number`-th batch of rows that came late is called; 0: the batch itself.

    >>> late_name("2013-07", 0), late_name("2013-07", 2)
    ('2013-07', '2013-07.late-2')
    """
    return f"{name}.late-{number}" if number else name


def deliveries(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The batches that belong together, the oldest first; among them the batch itself first, then as they came.

    >>> deliveries(["2013-08", "2013-07.late-10", "2013-07.late-2", "2013-07"])
    [('2013-07', '2013-07.late-2', '2013-07.late-10'), ('2013-08',)]
    """
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (without_late(name), late_number(name))):
        found.setdefault(without_late(name), []).append(name)
    return [tuple(together) for together in found.values()]
