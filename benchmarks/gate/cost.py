"""What one decision costs: all metrics with clustered intervals, 23 slices, every condition; and how it grows."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.gate.bench import Bench
from benchmarks.gate.evidence import evidence
from benchmarks.gate.nulls import known_days
from benchmarks.gate.pool import Pool
from benchmarks.gate.record import OURS, Experiment, Finding, Line, Promise
from benchmarks.gate.rules import Pair
from benchmarks.gate.slices import policy, sliced
from ratchet.core.gate import decide

SIZES = (25_000, 50_000, 100_000, 200_000)
JUDGED = 100_000
SECONDS = 5.0
EXPONENT = 1.15
"""Time grows as rows to this power at most: 1 is linear, and sorting adds a logarithm."""


def cost(bench: Bench) -> Finding:
    """CPU seconds at four sizes, each the least of three rounds, on flights drawn with replacement, by day."""
    pool, random = bench.best("flights"), bench.random("cost")
    sizes = [max(2_000, round(size * min(1.0, 10 * bench.scale))) for size in SIZES]
    seconds = [min(_seconds(pool, random, rows) for _ in range(3)) for rows in sizes]
    lines = [
        Line(
            setting=f"{pool.name}, {rows:,} rows, 23 slices, by day: CPU seconds",
            values={OURS: taken},
            trials=3,
            promise=Promise(high=SECONDS) if size == JUDGED else None,
        )
        for size, rows, taken in zip(SIZES, sizes, seconds, strict=True)
    ]
    slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
    lines.append(
        Line(setting="time grows as rows to the power", values={OURS: slope}, trials=3, promise=Promise(high=EXPONENT))
    )
    return Finding(name="cost", lines=tuple(lines))


def _seconds(pool: Pool, random: np.random.Generator, rows: int) -> float:
    """CPU seconds of one decision from the scores on."""
    drawn = random.integers(0, pool.rows, rows)
    one, other = (pool.probabilities(int(model), drawn) for model in pool.of("base")[:2])
    pair = Pair(target=pool.target[drawn], champion=one, challenger=other, clusters=known_days(pool)[drawn])
    table = sliced(pool).iloc[drawn]
    gate = policy(table.columns)
    begun = time.process_time()
    decide(evidence(pair, gate, table=table), gate)
    return time.process_time() - begun


EXPERIMENTS = (Experiment(numbers="15", name="cost", title="What one decision costs", run=cost),)
