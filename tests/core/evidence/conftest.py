"""Rows that judge, of known make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ratchet.core.evidence.rows import JudgedRows
from ratchet.core.scoring import Scores

Floats = NDArray[np.float64]
PLACES = np.array(["EWR", "JFK", "LGA"])


def scored(odds: Floats) -> Scores:
    """Probabilities of no and yes."""
    positive = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - positive, positive])


def _rows(seed: int, *, days: int = 20, a_day: int = 60, worse: float = 0.0) -> JudgedRows:
    """Two models of one recipe whose odds are off by chance alone; at EWR the challenger's also by `worse`."""
    random = np.random.default_rng(seed)
    count = days * a_day
    day = np.repeat(np.arange(days), a_day)
    place, distance = PLACES[random.integers(0, 3, count)], random.uniform(100, 2_000, count).round()
    odds = random.normal(size=count) + random.normal(scale=0.3, size=days)[day]
    target = (random.random(count) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    champion, challenger = (odds + random.normal(scale=0.5, size=count) for _ in range(2))
    challenger = challenger + worse * np.where(place == "EWR", random.choice([-1, 1], count), 0)
    return JudgedRows(
        task="binary",
        target=target,
        scores={"champion": scored(champion), "challenger": scored(challenger)},
        clusters=np.array([f"day {each:02}" for each in day], dtype=object),
        table=pd.DataFrame({"origin": place, "distance": distance, "engines": random.integers(1, 4, count)}),
    )


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., JudgedRows]:
    """Draws rows by seed; `days`, `a_day` and `worse` (at EWR) may be said."""
    return _rows
