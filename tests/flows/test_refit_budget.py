"""How long refits may take."""

from __future__ import annotations

import time

import pytest

from ratchet.flows.refits import Budget


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its only element."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_fit_is_allowed_if_it_ends_in_time(clock: list[float]) -> None:
    """The first one is tried while there is time at all; then the largest so far says what a row costs."""
    budget = Budget(10.0, started=clock[0])
    assert budget.allows(10**9)
    budget.fitted(100, 4.0)
    clock[0] += 4.0
    assert budget.allows(140)
    assert not budget.allows(160)
    budget.fitted(10, 4.0)
    assert budget.allows(140)
    budget.fitted(1_000, 10.0)
    assert budget.allows(590)
    assert not budget.allows(610)


def test_no_time_allows_nothing(clock: list[float]) -> None:
    """Not even a first fit."""
    assert not Budget(0.0, started=clock[0]).allows(0)
