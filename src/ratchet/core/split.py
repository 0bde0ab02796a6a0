"""Which batches train and which judge: the newest are held out, everything older trains.

Batch names sort in time order, so "newest" is the last by name. Rows that came late go with their batch, wherever it
goes, and do not count as a batch. Cross-validation walks forward over the training batches: each fold trains on a
prefix and scores the batch after it, as the holdout is scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratchet.core.deliveries import deliveries
from ratchet.errors import DataRefused


@dataclass(frozen=True)
class Fold:
    """Train on the batches `train`, score `test`: one batch, and what came late for it."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The training batches, the held-out batches, and the folds over the training batches (oldest first)."""

    train: tuple[str, ...]
    holdout: tuple[str, ...]
    folds: tuple[Fold, ...]


def plan_split(batches: Sequence[str], *, holdout: int, folds: int) -> Plan:
    """Split batch names. Raises DataRefused if nothing would be left to train on.

    >>> plan_split(["2013-03", "2013-01", "2013-02"], holdout=1, folds=3)
    Plan(train=('2013-01', '2013-02'), holdout=('2013-03',), folds=(Fold(train=('2013-01',), test=('2013-02',)),))
    >>> plan_split(["2013-01", "2013-02", "2013-02.late-1"], holdout=1, folds=3).holdout
    ('2013-02', '2013-02.late-1')
    """
    ordered = deliveries(batches)
    if len(ordered) <= holdout:
        raise DataRefused(
            f"there {'is' if len(ordered) == 1 else 'are'} {len(ordered)} batch{'es' * (len(ordered) != 1)} "
            f"({', '.join(together[0] for together in ordered) or 'none'}), and {holdout} "
            f"{'is' if holdout == 1 else 'are'} held out: at least {holdout + 1} are needed",
            next_step="ratchet data pull or ratchet data add, then ratchet run",
        )
    train = ordered[:-holdout]
    first = max(1, len(train) - folds)
    return Plan(
        train=_flat(train),
        holdout=_flat(ordered[-holdout:]),
        folds=tuple(Fold(_flat(train[:index]), train[index]) for index in range(first, len(train))),
    )


def _flat(found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for together in found for name in together)
