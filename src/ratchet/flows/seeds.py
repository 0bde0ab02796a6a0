"""How much luck is in a metric: the same pipeline with other seeds, on the same rows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ratchet.core.metrics import measure
from ratchet.flows.counterfactual import HeldOut, held_out, known, rerun, scores_on
from ratchet.io.progress import say
from ratchet.io.workspace import Parts
from ratchet.settings import Settings

SEEDS = 2**32
"""Seeds are below it."""


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """Each metric's standard deviation (n - 1) over the fit at hand and `seeds` refits with other seeds.

    Metrics that the rows leave undefined for a fit are left out. `from_cache` refits trained nothing.
    """

    sd: Mapping[str, float]
    seeds: int
    seconds: float
    from_cache: int


def seed_noise(settings: Settings, seeds: int) -> SeedNoise:
    """Refit the work tree's pipeline with `seeds` other seeds and score each fit; 0 measures nothing.

    A model without randomness has a deviation of 0. Raises ServiceFailed if nothing was run here, RerunFailed.
    """
    started = time.monotonic()
    if not seeds:
        return SeedNoise(sd={}, seeds=0, seconds=0.0, from_cache=0)
    rows = held_out(settings.root)
    task, target = rows.own.record.task, rows.target
    also = dict.fromkeys([*rows.params.evaluate.costs, rows.params.gate.metric])
    measured = [measure(task, target, scores_on(rows, rows.own, settings.root), also, rows.prices)]
    from_cache = 0
    for number, parts in enumerate(_refits(rows, seeds), start=1):
        say(f"noise {number} of {seeds}: another seed{' (from the run cache)' if known(settings, parts) else ''}")
        with rerun(settings, parts) as done:
            measured.append(measure(task, target, scores_on(rows, done.model, done.home), also, rows.prices))
            from_cache += not done.trained
        if number == 1 and measured[1] == measured[0]:
            # A third seed would say no more.
            if number < seeds:
                say("another seed made the same model: nothing is random in it")
            break
    refits = len(measured) - 1
    return SeedNoise(sd=_deviations(measured), seeds=refits, seconds=time.monotonic() - started, from_cache=from_cache)


def missing_refits(settings: Settings, seeds: int) -> int:
    """How many of the refits that `seed_noise` would make are not remembered: each trains once."""
    rows = held_out(settings.root) if seeds else None
    return sum(not known(settings, parts) for parts in _refits(rows, seeds)) if rows else 0


def _refits(rows: HeldOut, seeds: int) -> list[Parts]:
    first = rows.params.model.seed
    return [Parts(overrides={"model.seed": (first + step) % SEEDS}) for step in range(1, seeds + 1)]


def _deviations(measured: list[dict[str, float]]) -> dict[str, float]:
    found = {name: float(np.std([fit[name] for fit in measured], ddof=1)) for name in measured[0]}
    return {name: sd for name, sd in found.items() if np.isfinite(sd)}
