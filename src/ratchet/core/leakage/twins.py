"""Rows that lie on both sides of the split: exact twins, near twins, and keys.

A near twin has the same label, and either the same features but one (found by leaving each column out of the row's
hash) or numbers that differ little (found as equals on a grid, as in locality-sensitive hashing: Datar, Immorlica,
Indyk and Mirrokni 2004; two grids, so that neighbours across a line of one meet in the other). The work grows with the
number of rows, not of pairs.

Coarse features have twins by chance. How many is told by the batches themselves: rows that have a twin within their
own batch have one in another in proportion to its rows, at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratchet.core.leakage.hashes import Hashes, cell_hashes, is_number, key_hashes, numbers, on_grids
from ratchet.core.leakage.index import Index, Places, repeated
from ratchet.core.leakage.records import EXAMPLES, Pair, Shared
from ratchet.core.leakage.rows import Rows

GRID = 0.1
"""Width of the grid for near twins, in standard deviations of the column among the judging rows."""
SHIFTS = (1 / 3, 5 / 6)
"""Where the grids start, in widths: 0, the commonest of all numbers, lies on no line of them."""
GROUPS = 64
"""Columns that are left out one at a time; of a wider table, that many groups of columns are."""
RECURS = 0.01
"""Share of the newest training batch whose keys are in older ones, above which keys are said to recur."""
ROUNDING = "small differences of numbers"
ENOUGH = 20_000
"""Rows within whose batches repetitions are counted; of a smaller holdout, together with the oldest of training."""
RARE = 3
"""Rows that may repeat where none was seen to (rule of three: Hanley and Lippman-Hand 1983)."""
MOST_LOOKED_AT = 50
"""Twins of a batch that are looked at for pairs to show."""
LABEL = "label of the row"
"""What the label is called among the features."""


Bools = NDArray[np.bool_]


class _Way(NamedTuple):
    """A way of being alike: in everything, in all but a column, in numbers up to a grid, or in the key."""

    kind: Literal["exact", "near", "key"]
    but: str = ""
    shift: float = 0.0


_EXACT, _KEY = _Way("exact"), _Way("key")


@dataclass
class _Probe:
    """The judging rows by one way of being alike: those found in training so far, and a few pairs of one batch."""

    index: Index
    found: Bools
    repeated: int
    most: int = 0
    pairs: list[Pair] = field(default_factory=list)


class TwinSearch:
    """Takes the training rows batch by batch, and remembers which judging rows they are like.

    Its memory is that of the judging rows, of one batch, and of eight bytes per training row.
    """

    def __init__(self, holdout: Rows) -> None:
        self._holdout = holdout
        self._steps = _steps(holdout)
        self._probes = {way: self._probe(hashes) for way, hashes in _hashes(holdout, self._steps)}
        self._keys: list[Hashes] = []
        self._looked_at = [len(holdout)]
        self.training_rows = 0

    def _probe(self, hashes: Hashes) -> _Probe:
        return _Probe(Index(hashes), np.zeros(len(self._holdout), dtype=np.bool_), repeated(hashes))

    def add(self, training: Rows) -> None:
        """Look for the judging rows among the rows of one training batch; batches come in time order."""
        self.training_rows += len(training)
        tells_chance = sum(self._looked_at) < ENOUGH
        if tells_chance:
            self._looked_at.append(len(training))
        for way, hashes in _hashes(training, self._steps):
            if way == _KEY:
                self._keys.append(hashes)
            probe = self._probes[way]
            probe.repeated += repeated(hashes) if tells_chance else 0
            places = probe.index.among(hashes)
            if len(places):
                probe.found[probe.index.rows(hashes[places])] = True
                self._remember(way, hashes, training, places)

    def _remember(self, way: _Way, hashes: Hashes, training: Rows, places: Places) -> None:
        """Keep the first pairs of the batch that has most of them; of near twins, those that are no exact ones."""
        probe, exact = self._probes[way], self._probes[_EXACT].found
        if len(places) <= probe.most:
            return
        rows = [int(probe.index.rows(hashes[[place]])[0]) for place in places[:MOST_LOOKED_AT]]
        pairs = [
            Pair(holdout=self._holdout.names(row), training=training.names(int(place)))
            for row, place in zip(rows, places, strict=False)
            if not (way.kind == "near" and exact[row])
        ]
        probe.most, probe.pairs = len(places), pairs[:EXAMPLES]

    def exact(self) -> Shared:
        """Judging rows whose features and label a training row has."""
        return self._beyond_chance([self._probes[_EXACT]], "")

    def near(self) -> Shared:
        """Of the ways of being nearly alike, the one that goes farthest beyond chance; exact twins are not counted."""
        ways: dict[str, list[_Probe]] = {}
        for way, probe in self._probes.items():
            if way.kind == "near":
                ways.setdefault(way.but, []).append(probe)
        shared = [self._beyond_chance(probes, but, ~self._probes[_EXACT].found) for but, probes in ways.items()]
        return max(shared, key=lambda each: each.rows - each.expected)

    def keys(self) -> Shared:
        """Judging rows whose key a training row has; where keys recur among the training batches, all may have one."""
        probe = self._probes[_KEY]
        expected = 0.0 if self._holdout.timed_key else _expected_keys(_recurrence(self._keys), len(self._holdout))
        return Shared(rows=int(probe.found.sum()), expected=expected, shown=tuple(probe.pairs))

    def _beyond_chance(self, probes: Sequence[_Probe], but: str, among: Bools | None = None) -> Shared:
        """With the most that chance gives: what repeats within batches, per pair of rows, and two errors of each."""
        rows = len(self._holdout)
        found = np.logical_or.reduce([probe.found for probe in probes])
        within = sum(probe.repeated for probe in probes)
        pairs = sum(count * (count - 1) for count in self._looked_at)
        mean = (within + 2 * math.sqrt(within) + RARE) * self.training_rows * rows / max(pairs, 1)
        return Shared(
            rows=int((found if among is None else found & among).sum()),
            expected=min(float(rows), mean + 2 * math.sqrt(mean)),
            but=but,
            shown=next((tuple(probe.pairs) for probe in probes if probe.pairs), ()),
        )


def _expected_keys(recurrence: float, rows: int) -> float:
    """A key that recurs names a thing, not an event: then it may judge too. A few that do are given two errors more."""
    usual = recurrence * rows
    return float(rows) if recurrence > RECURS else usual + 2 * math.sqrt(usual)


def _recurrence(batches: list[Hashes]) -> float:
    """The share of the newest batch's rows whose key an older one has."""
    if len(batches) < 2:
        return 0.0
    newest = Index(batches[-1])
    found = np.zeros(len(batches[-1]), dtype=np.bool_)
    for older in batches[:-1]:
        found[newest.rows(older[newest.among(older)])] = True
    return float(found.mean())


def _hashes(rows: Rows, steps: Mapping[str, float]) -> Iterator[tuple[_Way, Hashes]]:
    """Each row's hash by each way of being alike."""
    table = rows.features.append_column(LABEL, rows.target)
    cells, names = cell_hashes(table), rows.features.column_names
    total = cells.sum(axis=0, dtype=np.uint64)
    yield _EXACT, total
    for first in range(min(GROUPS, len(names))):
        left_out = cells[first : len(names) : GROUPS].sum(axis=0, dtype=np.uint64)
        yield _Way("near", " ".join(names[first::GROUPS])), total - left_out
    grids = [total.copy() for _ in SHIFTS]
    for name, cell in zip(table.column_names, cells, strict=True):
        if name in steps:
            for grid, rounded in zip(grids, on_grids(table.column(name), name, steps[name], SHIFTS), strict=True):
                np.add(grid, rounded - cell, out=grid)
    for shift, grid in zip(SHIFTS, grids, strict=True):
        yield _Way("near", ROUNDING, shift), grid
    yield _KEY, key_hashes(rows.keys)


def _steps(rows: Rows) -> dict[str, float]:
    """The width of the grid for each column of numbers that vary; the others are compared as they are."""
    table = rows.features.append_column(LABEL, rows.target)
    columns = {name: numbers(table.column(name)) for name in table.column_names if is_number(table.column(name))}
    finite = {name: values[np.isfinite(values)] for name, values in columns.items()}
    widths = {name: GRID * float(np.std(values)) for name, values in finite.items() if len(values)}
    return {name: width for name, width in widths.items() if width > 0}
