"""Three-valued logic: what follows from what is shown, and what stays open (Kleene, 1952, section 64)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

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
