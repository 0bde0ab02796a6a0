"""Which batches train and which judge: the newest are held out, everything older trains.

Batch names sort in time order, so "newest" is the last by name. Cross-validation walks forward over the training
batches: each fold trains on a prefix and scores the batch after it, as the holdout is scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.errors import DataRefused


@dataclass(frozen=True)
class Fold:
    """Train on the batches `train`, score the batch `test`."""

    train: tuple[str, ...]
    test: str


@dataclass(frozen=True)
class Plan:
    """The training batches, the held-out batches, and the folds over the training batches (oldest first)."""

    train: tuple[str, ...]
    holdout: tuple[str, ...]
    folds: tuple[Fold, ...]


def plan_split(batches: Sequence[str], *, holdout: int, folds: int) -> Plan:
    """Split batch names. Raises DataRefused if nothing would be left to train on.

    >>> plan_split(["2013-03", "2013-01", "2013-02"], holdout=1, folds=3)
    Plan(train=('2013-01', '2013-02'), holdout=('2013-03',), folds=(Fold(train=('2013-01',), test='2013-02'),))
    """
    ordered = sorted(batches)
    if len(ordered) <= holdout:
        raise DataRefused(
            f"there {'is' if len(ordered) == 1 else 'are'} {len(ordered)} batch{'es' * (len(ordered) != 1)} "
            f"({', '.join(ordered) or 'none'}), and {holdout} "
            f"{'is' if holdout == 1 else 'are'} held out: at least {holdout + 1} are needed",
            next_step="ratchet data pull or ratchet data add, then ratchet run",
        )
    train = tuple(ordered[:-holdout])
    first = max(1, len(train) - folds)
    return Plan(
        train=train,
        holdout=tuple(ordered[-holdout:]),
        folds=tuple(Fold(train[:index], train[index]) for index in range(first, len(train))),
    )
