"""Which parts of the training rows a learning curve trains on.

Rows stand in the order of their batches. Parts grow from the oldest row, as history grew, and from the newest, which
says what old rows are worth: where the second curve flattens early, old rows add little, and where the first one falls
only at its end, it is recency that helps, not size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ratchet.core.analysis.records import Order
from ratchet.core.feature_table import LabelledBatch

FEWEST, MOST = 4, 8
"""Points of a curve: with fewer batches, batches are cut in equal pieces; with more, some borders are passed over."""


@dataclass(frozen=True)
class RowSpan:
    """Training rows from `start` up to `stop`, counted over all training batches."""

    order: Order
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many they are."""
        return self.stop - self.start


def spans(sizes: Sequence[int], needed: Collection[int] = ()) -> list[RowSpan]:
    """The parts of training deliveries with these numbers of rows, oldest first and then newest first, growing.

    All rows together are none of them. `needed` are borders, as numbers of deliveries before them, that parts from
    the oldest row end at in any case: a fold is one of these.

    >>> [(span.start, span.stop) for span in spans([2, 2, 2, 2])]
    [(0, 2), (0, 4), (0, 6), (6, 8), (4, 8), (2, 8)]
    """
    borders = [0, *accumulate(sizes)]
    total = borders[-1]
    cuts = _cuts(sizes)
    first = sorted({*cuts, *(borders[each] for each in needed)} - {0, total})
    return [
        *(RowSpan("oldest first", 0, cut) for cut in first),
        *(RowSpan("newest first", cut, total) for cut in sorted(cuts - {0, total}, reverse=True)),
    ]


def part(batches: Mapping[str, LabelledBatch], span: RowSpan) -> dict[str, LabelledBatch]:
    """The rows of the span, by batch; batches that it does not touch are left out. `batches` are in their order."""
    found: dict[str, LabelledBatch] = {}
    before = 0
    for name, batch in batches.items():
        rows = len(batch.labels)
        start, stop = max(span.start - before, 0), min(span.stop - before, rows)
        if start < stop:
            found[name] = batch if stop - start == rows else _rows(batch, start, stop)
        before += rows
    return found


def _rows(batch: LabelledBatch, start: int, stop: int) -> LabelledBatch:
    return LabelledBatch(
        features=batch.features.iloc[start:stop].reset_index(drop=True),
        labels=batch.labels.iloc[start:stop].reset_index(drop=True),
    )


def _cuts(sizes: Sequence[int]) -> set[int]:
    """Where the curve has points: at MOST at most, at least FEWEST where there are rows enough, the ends among them."""
    pieces = -(-FEWEST // len(sizes))
    ends = list(_ends(sizes, pieces))
    if len(ends) <= MOST:
        return set(ends)
    return {ends[round(step * (len(ends) - 1) / (MOST - 1))] for step in range(MOST)}


def _ends(sizes: Sequence[int], pieces: int) -> Iterator[int]:
    """Where each of `pieces` equal pieces of each delivery ends."""
    before = 0
    for size in sizes:
        yield from (before + size * piece // pieces for piece in range(1, pieces + 1))
        before += size
