"""What measurements show: true, false, or neither; what they are asked for, and what one comparison found.

Three-valued logic: what follows from what is shown, and what stays open (Kleene, 1952, section 64).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from ratchet.core.conditions.tree import Where, Whose
from ratchet.core.findings import Estimate

State = Literal["shown false", "not shown", "shown true"]
ORDER: tuple[State, ...] = ("shown false", "not shown", "shown true")


def all_of(states: Iterable[State]) -> State:
    """`and`: false as soon as one is, true only if all are."""
    return min(states, key=ORDER.index)


def any_of(states: Iterable[State]) -> State:
    """`or`: true as soon as one is, false only if all are."""
    return max(states, key=ORDER.index)


def opposite(state: State) -> State:
    """`not`: what is open stays open."""
    return ORDER[len(ORDER) - 1 - ORDER.index(state)]


class Measures(Protocol):
    """Where the numbers come from; None: not measured, which shows nothing."""

    def estimate(self, whose: Whose, metric: str, where: Where) -> Estimate | None:
        """A metric of one model, or what the challenger gains in it, on the rows of a slice."""

    def cost(self, whose: Whose, name: str) -> float | None:
        """What a model costs, in the unit of `tree.COSTS`; never asked of a gain."""


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
