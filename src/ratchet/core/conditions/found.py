"""What was measured for a condition, what is enough of it, and what one comparison found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ratchet.core.conditions.kleene import State
from ratchet.core.conditions.names import Whose
from ratchet.core.conditions.tree import Where
from ratchet.core.findings import Estimate


class Measures(Protocol):
    """Where the numbers come from; None: not measured, which shows nothing."""

    def estimate(self, whose: Whose, metric: str, where: Where) -> Estimate | None:
        """A metric of one model, or what the challenger gains in it, on the rows of a slice."""

    def cost(self, whose: Whose, name: str) -> float | None:
        """What a model costs, in the unit of `names.COSTS`; never asked of a gain."""


@dataclass(frozen=True, kw_only=True)
class Enough:
    """Below these an interval is not believed; `independent_rows` counts where no column names the clusters."""

    clusters: int = 2
    independent_rows: int = 30


@dataclass(frozen=True, kw_only=True)
class Found:
    """One comparison: its text, state and sentence, and the numbers behind it; plain JSON, None where there is none.

    `low` and `high` are the one-sided bounds at `level`; `least` and `most` are the limits of what is allowed.
    """

    text: str
    state: State
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    least: float | None = None
    most: float | None = None
    rows: int | None = None
    clusters: int | None = None
