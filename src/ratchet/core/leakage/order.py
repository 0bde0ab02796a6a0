"""Time that runs backwards: training rows that are newer than rows that judge."""

from __future__ import annotations

from typing import Any

import numpy as np

from ratchet.core.leakage.records import EXAMPLES, Disorder, Pair
from ratchet.core.leakage.rows import Rows, Times


def misplaced(training: Times, holdout: Times) -> int:
    """The fewest rows without which some instant has all training rows at or before it and no judging row before it.

    One row with a wrong clock counts as one, however many rows of the other side it is newer than.

    >>> misplaced(np.array([1, 2, 3, 99]), np.array([4, 5, 6]))
    1
    >>> misplaced(np.array([1, 2, 4]), np.array([4, 5]))
    0
    """
    if not len(training) or not len(holdout):
        return 0
    judging = np.sort(holdout)
    late = np.sort(training[training > judging[0]])
    instants = np.unique(np.concatenate([judging, late]))
    after = len(late) - np.searchsorted(late, instants, side="right")
    before = np.searchsorted(judging, instants, side="left")
    return int((after + before).min())


class OrderSearch:
    """Takes the training rows batch by batch, and keeps the times of those that are newer than some judging row."""

    def __init__(self, holdout: Rows) -> None:
        self._holdout, self._times = holdout, holdout.times()
        self._late: list[Times] = []
        self._newest: list[tuple[Any, Rows, int]] = []

    def add(self, training: Rows) -> None:
        """Compare one batch with the oldest judging row."""
        times = training.times()
        if not len(times) or not len(self._times):
            return
        self._late.append(times[times > self._times.min()])
        few = EXAMPLES if len(self._late[-1]) else 1
        newest = np.argsort(times, kind="stable")[::-1][:few]
        self._newest += [(times[place], training, int(training.timed()[place])) for place in newest]
        self._newest = sorted(self._newest, key=lambda each: each[0], reverse=True)[:EXAMPLES]

    def found(self) -> Disorder | None:
        """None where rows have no time."""
        if not self._newest:
            return None
        oldest = self._holdout.timed()[np.argsort(self._times, kind="stable")[:EXAMPLES]]
        return Disorder(
            rows=misplaced(np.concatenate(self._late), self._times),
            newest_training=self._newest[0][1].time_of(self._newest[0][2]),
            oldest_holdout=self._holdout.time_of(int(oldest[0])),
            shown=tuple(
                Pair(holdout=self._holdout.names(int(row)), training=rows.names(place))
                for row, (_, rows, place) in zip(oldest, self._newest, strict=False)
            ),
        )
