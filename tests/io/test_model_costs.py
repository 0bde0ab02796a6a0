"""What models cost, measured by turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ratchet.core.gate_params import CostName
from ratchet.core.model_record import Feature
from ratchet.io import model_costs
from ratchet.io.model_costs import CALLS, ROUNDS, WARM_UP, Costed, measure_costs

INPUTS = [Feature(name="kind", kind="category", nullable=True), Feature(name="x", kind="number", nullable=True)]
TIMES: Sequence[CostName] = ("latency_p50_ms", "latency_p95_ms")


class Slow:
    """Takes its time with each row, and remembers what it was asked and in which order."""

    said: list[tuple[str, int, bool]]

    def __init__(self, name: str, milliseconds: float, said: list[tuple[str, int, bool]]) -> None:
        self.name, self.seconds, self.said = name, milliseconds / 1000, said

    def predict(self, table: pd.DataFrame, /) -> NDArray[np.float64]:
        """Zero, later."""
        self.said.append((self.name, len(table), gc.isenabled()))
        end = time.perf_counter() + self.seconds
        while time.perf_counter() < end:
            pass
        return np.zeros(len(table))

    def predict_proba(self, table: pd.DataFrame, /) -> NDArray[np.float64]:
        """Not asked for a regression."""
        raise AssertionError(len(table))


def costed(folder: Path, pipeline: Slow, *, size: int = 1_000, rows: int = 300) -> Costed:
    """A model with a file of `size` bytes, and features with missing values."""
    file = folder / pipeline.name
    file.write_bytes(b"x" * size)
    table = pd.DataFrame({"kind": ["a", None, "b"] * (rows // 3), "x": np.arange(rows, dtype=np.float64)})
    return Costed(pipeline=pipeline, task="regression", inputs=INPUTS, features=table, file=file)


def test_a_model_that_takes_longer_is_seen_to(tmp_path: Path) -> None:
    """2 ms against 1 ms and what a table costs: the ratio lies between 1 and 2, and its bound is not below it."""
    said: list[tuple[str, int, bool]] = []
    slow, quick = (costed(tmp_path, Slow(name, ms, said)) for name, ms in (("slow", 3.0), ("quick", 1.0)))
    found = measure_costs(TIMES, slow, quick)
    for cost in found.values():
        assert cost.challenger is not None
        assert cost.reference is not None
        assert cost.challenger >= 3.0
        assert cost.reference >= 1.0
    median = found["latency_p50_ms"]
    assert median.ratio is not None
    assert median.ratio_high is not None
    assert 1.1 < median.ratio <= median.ratio_high
    assert list(found) == list(TIMES)


def test_models_take_turns_and_score_single_rows(tmp_path: Path) -> None:
    """After the warm-up each is asked as often, one row at a time, first as often as second, without collections."""
    said: list[tuple[str, int, bool]] = []
    one, other = (costed(tmp_path, Slow(name, 0.0, said)) for name in ("one", "other"))
    measure_costs(["latency_p50_ms"], one, other)
    timed = [name for name, _, _ in said[2 * WARM_UP :]]
    assert {(rows, collecting) for _, rows, collecting in said} == {(1, False)}
    assert timed.count("one") == timed.count("other") == ROUNDS * CALLS
    assert timed[0::2].count("one") == timed[1::2].count("one") == ROUNDS * CALLS / 2
    assert gc.isenabled()


def test_the_size_is_of_the_files_and_exact(tmp_path: Path) -> None:
    """Megabytes of a million bytes; nobody is asked for the time."""
    said: list[tuple[str, int, bool]] = []
    large = costed(tmp_path, Slow("large", 0.0, said), size=3_000_000)
    small = costed(tmp_path, Slow("small", 0.0, said), size=2_000_000)
    (cost,) = measure_costs(["model_mb"], large, small).values()
    assert (cost.challenger, cost.reference, cost.ratio, cost.ratio_high) == (3.0, 2.0, 1.5, 1.5)
    assert said == []


def test_without_a_champion_the_challenger_stands_alone(tmp_path: Path) -> None:
    """There is no ratio; and without rows, or without a name, nothing is measured."""
    said: list[tuple[str, int, bool]] = []
    alone = costed(tmp_path, Slow("alone", 0.0, said))
    for name, cost in measure_costs([*TIMES, "model_mb"], alone, None).items():
        assert cost.challenger, name
        assert (cost.reference, cost.ratio, cost.ratio_high) == (None, None, None)
    said.clear()
    assert measure_costs([], alone, None) == {}
    assert measure_costs(TIMES, costed(tmp_path, Slow("none", 0.0, said), rows=0), None) == {}
    assert said == []


@pytest.mark.parametrize("spread", [0.01, 0.5])
def test_the_bound_covers_the_median_as_often_as_it_says(spread: float) -> None:
    """Over 2,000 draws of rounds, the true median ratio is above the bound in no more than 5 %."""
    random = np.random.default_rng(0)
    above = 0
    for _ in range(2_000):
        ratios = np.exp(random.normal(np.log(1.2), spread, ROUNDS))
        times = [np.repeat(ratios[:, None], CALLS, axis=1), np.ones((ROUNDS, CALLS))]
        bound = model_costs._latency(times, 50).ratio_high
        assert bound is not None
        above += bound < 1.2
    assert above / 2_000 <= 0.05
