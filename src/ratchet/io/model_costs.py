"""What models cost: the milliseconds to score one row, and the megabytes of the model's file.

One row is scored as the server does it: lists become the model's table, and the table becomes scores. Challenger and
champion take turns in one process, after a warm-up, in rounds that begin with the one and the other by turns, so that
whatever slows the machine down slows both. The ratio of a round has the machine's mood cancelled; the bound of its
median is by order statistics and assumes nothing about how times are distributed (Conover, "Practical Nonparametric
Statistics", 1999, section 3.2).

A time is not reproducible: on another machine, or on this one an hour later, evidence has other milliseconds, and a
limit that is close may be kept once and broken once. That is the one part of a decision's evidence that a rerun does
not give again. A stage whose inputs are the same is not run again but taken from DVC's cache, so that the first
measurement stays the one that was decided by.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.findings import Cost
from ratchet.core.gate_params import CostName
from ratchet.core.model_record import Feature
from ratchet.core.params import Task
from ratchet.core.scoring import Predictor, frame, score

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Row = Mapping[str, list[object]]

PERCENTILES: Mapping[CostName, float] = {"latency_p50_ms": 50, "latency_p95_ms": 95}
ROUNDS = 15
"""With 15 rounds the 12th smallest ratio is above the median with 98 % confidence, the 11th with 94 %."""
CALLS = 20
"""Rows that each model scores in a round."""
WARM_UP = 5
CONFIDENCE = 0.95
MEGABYTE = 1e6


@dataclass(frozen=True, kw_only=True)
class Costed:
    """A model with what its record says of its task and inputs, (n, any) features made for it, and its file."""

    pipeline: Predictor
    task: Task
    inputs: Sequence[Feature]
    features: pd.DataFrame
    file: Path


def measure_costs(names: Collection[CostName], challenger: Costed, champion: Costed | None) -> dict[str, Cost]:
    """The costs of `names`, nothing else is measured; without a champion the challenger's alone.

    The features of both are of the same rows; rows are taken from all over them. Without rows no time is measured.
    """
    found = dict[str, Cost]()
    if "model_mb" in names:
        found["model_mb"] = _size(challenger.file, champion.file if champion else None)
    times = _times(challenger, champion) if set(names) & set(PERCENTILES) and len(challenger.features) else None
    for name, percentile in PERCENTILES.items():
        if name in names and times is not None:
            found[name] = _latency(times, percentile)
    return found


def _size(challenger: Path, champion: Path | None) -> Cost:
    size = challenger.stat().st_size / MEGABYTE
    if champion is None:
        return Cost(challenger=size, reference=None)
    other = champion.stat().st_size / MEGABYTE
    return Cost(challenger=size, reference=other, ratio=size / other, ratio_high=size / other)


def _latency(times: list[Floats], percentile: float) -> Cost:
    """From each model's (rounds, calls) milliseconds: over all calls, and the ratio within each round."""
    overall = [float(np.percentile(each, percentile)) for each in times]
    if len(times) == 1:
        return Cost(challenger=overall[0], reference=None)
    challenger, champion = (np.percentile(each, percentile, axis=1) for each in times)
    ratios = np.sort(challenger / champion)
    return Cost(
        challenger=overall[0],
        reference=overall[1],
        ratio=float(np.median(ratios)),
        ratio_high=float(ratios[_rank_above_median(len(ratios))]),
    )


def _rank_above_median(count: int) -> int:
    """The lowest rank from 0 whose order statistic is above the median with 95 % confidence, or the last one."""
    from scipy.special import bdtr

    ranks = np.arange(count)
    sure = np.flatnonzero(bdtr(ranks, count, 0.5) >= CONFIDENCE)
    return int(sure[0])


def _times(challenger: Costed, champion: Costed | None) -> list[Floats]:
    """(rounds, calls) milliseconds of the challenger, and of the champion if there is one."""
    models = [each for each in (challenger, champion) if each]
    chosen = np.linspace(0, len(challenger.features) - 1, CALLS).astype(int).tolist()
    rows = [[_row(model, which) for which in chosen] for model in models]
    with _undisturbed():
        for model, own in zip(models, rows, strict=True):
            for row in own[:WARM_UP]:
                _score(model, row)
        times = np.empty((len(models), ROUNDS, CALLS))
        for round_ in range(ROUNDS):
            for call in range(CALLS):
                for which in _turns(len(models), round_ + call):
                    times[which, round_, call] = _timed(models[which], rows[which][call])
    return list(times)


def _turns(models: int, turn: int) -> Iterator[int]:
    yield from ((turn + each) % models for each in range(models))


def _row(model: Costed, which: int) -> Row:
    """One row as JSON gives it to the server."""
    return {
        feature.name: model.features[feature.name].iloc[which : which + 1].astype(object).tolist()
        for feature in model.inputs
    }


def _timed(model: Costed, row: Row) -> float:
    start = time.perf_counter()
    _score(model, row)
    return (time.perf_counter() - start) * 1000


def _score(model: Costed, row: Row) -> None:
    score(model.pipeline, model.task, frame(model.inputs, row))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the collector of garbage, which strikes the one or the other at random."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
