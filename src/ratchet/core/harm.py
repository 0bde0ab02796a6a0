"""Whether a canary is worse than the champion, looked at as often as one likes: paired losses and an e-process.

Both versions score each row that the canary answers: a row's harm is the canary's loss less the champion's. Harms are
averaged over groups of rows that may share one fate, and the groups' means are what the e-process (`core.eprocess`)
counts against "not worse by more than the margin". It is valid at every look if the stream only ever grows at its end:
rows come in the order in which their labels came, not in that of their requests, and a group that is not full yet is
left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratchet.core.eprocess import bounds, e_values
from ratchet.core.phases import Canary

Floats = NDArray[np.float64]

GROUP_ROWS = 10
"""Rows of one group at least; a request is never parted. Larger ones are nearer to normal, and see later."""
DAYS = 7
"""A canary that is planned for so many days is judged by days: fewer could never show anything."""
USUAL_ROWS = 1_000
"""Labelled rows that are planned for, where the phase does not say how many."""
FEWEST_GROUPS = 10
MOST_GROUPS = 30
"""What the test is tuned for: few, so that great harm is seen early; it holds for any number."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """(n,) labelled rows in the order in which their labels came: both versions' losses, lower is better.

    `requests` has neighbours of one request as equal values, `days` those of one delivery of labels and one day.
    """

    champion: Floats
    canary: Floats
    requests: Sequence[object]
    days: Sequence[object]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.champion)


@dataclass(frozen=True, kw_only=True)
class Harm:
    """What the labels show so far: the mean harm per row, and the evidence that it is above the margin.

    `low` and `high` hold at all looks together; None where nothing is known yet.
    """

    rows: int
    groups: int
    mean: float
    low: float | None
    high: float | None
    evidence: float

    def shown(self, alpha: float) -> bool:
        """Whether the canary is shown to be worse, at the risk `alpha` of saying so of one that is not."""
        return self.evidence >= 1 / alpha


def harm(pairs: Pairs, rule: Canary) -> Harm:
    """Measure it. Losses must be finite."""
    harms = pairs.canary - pairs.champion
    means = group_means(harms, pairs.days if by_day(rule) else pairs.requests, fewest=1 if by_day(rule) else GROUP_ROWS)
    planned = planned_groups(rule)
    if not len(means):
        return Harm(rows=len(pairs), groups=0, mean=_mean(harms), low=None, high=None, evidence=1.0)
    low, high = (float(each[-1]) for each in bounds(means, planned=planned, alpha=rule.alpha))
    evidence = float(e_values(means - rule.margin, planned=planned, alpha=rule.alpha).max())
    return Harm(
        rows=len(pairs),
        groups=len(means),
        mean=_mean(harms),
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        evidence=evidence,
    )


def by_day(rule: Canary) -> bool:
    """Whether days are the groups. It is settled before the first row, as a choice by what was seen would not hold."""
    return rule.days is not None and rule.days >= DAYS


def planned_groups(rule: Canary) -> int:
    """How many groups the test sees best with."""
    if by_day(rule):
        return math.ceil(rule.days or DAYS)
    groups = (rule.labels or rule.rows or USUAL_ROWS) // GROUP_ROWS
    return min(max(groups, FEWEST_GROUPS), MOST_GROUPS)


def group_means(values: Floats, keys: Sequence[object], *, fewest: int) -> Floats:
    """Means of runs of whole keys with at least `fewest` rows each; the last one, while it has fewer, is left out.

    >>> group_means(np.array([1.0, 3.0, 5.0, 7.0, 9.0]), ["a", "a", "b", "c", "d"], fewest=2).tolist()
    [2.0, 6.0]
    """
    ends: list[int] = []
    start = 0
    for place in range(1, len(keys) + 1):
        closed = place == len(keys) or keys[place] != keys[place - 1]
        if closed and place - start >= fewest:
            ends.append(place)
            start = place
    means = [float(part.mean()) for part in np.split(values, ends)[:-1]] if ends else []
    return np.array(means, dtype=np.float64)


def _mean(harms: Floats) -> float:
    return float(harms.mean()) if len(harms) else 0.0
