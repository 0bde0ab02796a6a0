"""Asking, of many hashes, which are among the judging rows' own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ratchet.core.leakage.hashes import Hashes

Places = NDArray[np.int64]

_LARGEST_FILTER = 22
"""Bits of an address in the filter at most: four megabytes."""


def repeated(hashes: Hashes) -> int:
    """How many of the hashes occur more than once.

    >>> repeated(np.array([7, 8, 7, 9, 7], dtype=np.uint64))
    3
    """
    ordered = np.sort(hashes)
    same = np.concatenate([[False], ordered[1:] == ordered[:-1], [False]])
    return int((same[1:] | same[:-1])[: len(hashes)].sum())


class Index:
    """Rows by their hash, behind a filter (Bloom 1970, with one hash) that turns nearly all strangers away."""

    def __init__(self, hashes: Hashes) -> None:
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]
        self._shift = np.uint64(64 - min(max(len(hashes), 1).bit_length() + 5, _LARGEST_FILTER))
        self._filter = np.zeros(1 << int(np.uint64(64) - self._shift), dtype=np.bool_)
        self._filter[self._slots(hashes)] = True

    def among(self, hashes: Hashes) -> Places:
        """The positions in `hashes` of those that one of the rows has."""
        maybe = np.flatnonzero(self._filter[self._slots(hashes)])
        if not len(maybe):
            return maybe
        place = np.minimum(np.searchsorted(self._sorted, hashes[maybe]), len(self._sorted) - 1)
        return np.asarray(maybe[self._sorted[place] == hashes[maybe]], dtype=np.int64)

    def rows(self, hashes: Hashes) -> Places:
        """The rows that have one of `hashes`, all of which some row has."""
        wanted = np.unique(hashes)
        low = np.searchsorted(self._sorted, wanted, side="left")
        spans = np.searchsorted(self._sorted, wanted, side="right") - low
        first = np.repeat(low - np.concatenate([[0], np.cumsum(spans)[:-1]]), spans) if len(wanted) else low
        return np.asarray(self._order[first + np.arange(len(first))], dtype=np.int64)

    def _slots(self, hashes: Hashes) -> NDArray[np.int64]:
        return (hashes >> self._shift).astype(np.int64)
