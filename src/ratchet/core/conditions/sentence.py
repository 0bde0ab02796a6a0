"""Numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.core.findings import Estimate

DIGITS = (4, 6, 9, 17)
"""How precisely numbers are written: as short as can be while different ones look different."""


def distinct(numbers: Sequence[float]) -> list[str]:
    """The numbers as texts, in their order; equal texts only for equal numbers.

    >>> distinct([0.65, 0.649999]), distinct([1 / 3, 2.0])
    (['0.65', '0.649999'], ['0.3333', '2'])
    """
    for digits in DIGITS:
        texts = [f"{number:.{digits}g}" for number in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts


def counted(estimate: Estimate) -> str:
    """How much data an estimate comes from."""
    if estimate.assumed_independent:
        return f"{estimate.rows:,} rows, taken as independent"
    return f"{number_of(estimate.rows, 'row')} in {number_of(estimate.clusters, 'cluster')}"


def number_of(count: int, thing: str) -> str:
    """The count with its noun: '1 row', '2,000 rows'."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
