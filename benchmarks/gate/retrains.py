"""A year of flights with a model fitted anew each week: the models, fitted once and kept, and the faults in some."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.gate.bench import Bench
from benchmarks.gate.data import WEATHER, Dataset, Floats, Ints
from benchmarks.gate.pool import PoolSize, fit, log_losses
from benchmarks.gate.rules import Pair

FIRST, LAST = 7, 47
"""The first and the last week that judges."""
FAULTY = 0.15
"""Share of the retrains that carry a fault."""
FAULTS = ("weather", "labels", "truncated")


@dataclass(frozen=True, kw_only=True)
class Year:
    """One seed's retrains: (weeks, n) probabilities of each week's model for all flights from its week on, else NaN."""

    target: Ints
    days: Ints
    models: NDArray[np.float32]
    faults: tuple[str, ...]

    def rows(self, first: int, last: int) -> Ints:
        """The flights of the weeks `first` to `last`, both included; week 0 is the first that judges a model here."""
        return np.flatnonzero((self.days // 7 >= first) & (self.days // 7 <= last)).astype(np.int64)

    def loss(self, model: int, rows: Ints) -> Floats:
        """(r,) log losses of one retrain, by its position."""
        return log_losses(self.target[rows], self.models[model, rows].astype(np.float64))

    def pair(self, champion: int, challenger: int, week: int) -> Pair:
        """Both on the flights of a week, by day."""
        rows = self.rows(week, week)
        first, second = (self.models[model, rows].astype(np.float64) for model in (champion, challenger))
        return Pair(target=self.target[rows], champion=first, challenger=second, clusters=self.days[rows])


def year_of(bench: Bench, seed: int) -> Year:
    """One seed's retrains, fitted once and kept in the cache folder."""
    import joblib  # type: ignore[import-untyped] # it has no types

    size = bench.size
    name = bench.standins.get("flights", "flights")
    path = bench.cache / f"weekly-{name}-{bench.seed}-{seed}-{size.rows}-{size.trees}.joblib"
    if not path.exists():
        made = retrained(_flights(bench.cache, name), bench.random("weekly", seed), size)
        path.parent.mkdir(parents=True, exist_ok=True)
        joblib.dump(made, path)
    year: Year = joblib.load(path)
    return year


@lru_cache(maxsize=1)
def _flights(cache: Path, name: str) -> Dataset:
    return Bench(cache=cache).dataset(name)


def retrained(dataset: Dataset, random: np.random.Generator, size: PoolSize) -> Year:
    """Fit the first champion and 41 retrains; about one in seven with a fault. Raises ValueError without days."""
    if dataset.days is None:
        raise ValueError(f"{dataset.name} has no days")
    week = dataset.days // 7
    models = np.full((LAST - FIRST + 2, len(week)), np.nan, dtype=np.float32)
    faults = [""]
    for position in range(len(models)):
        cut = FIRST + max(0, position - 1)
        if position:
            faults.append(str(random.choice(FAULTS)) if random.random() < FAULTY else "")
        rows = random.choice(np.flatnonzero(week < cut), size.rows)
        later = week >= cut
        told, kept = spoilt(dataset, np.sort(rows), faults[position], random)
        predict = fit("base", told, kept, trees=size.trees, seed=int(random.integers(2**31)))
        models[position, later] = predict(dataset.features[later])
    return Year(target=dataset.target, days=dataset.days, models=models, faults=tuple(faults))


def spoilt(
    dataset: Dataset, rows: NDArray[np.intp], fault: str, random: np.random.Generator
) -> tuple[Dataset, NDArray[np.intp]]:
    """What a retrain is fitted to: the rows as they are, or with one of the faults."""
    if not fault:
        return dataset, rows
    if fault == "truncated":
        return dataset, rows[: len(rows) // 5]
    features, target = dataset.features[rows], dataset.target[rows]
    if fault == "weather":
        columns = [at for at, name in enumerate(dataset.columns) if name in (*WEATHER, *dataset.dropped)]
        features[:, columns] = features[random.permutation(len(rows))][:, columns]
    else:
        target = np.where(random.random(len(rows)) < 0.1, 1 - target, target)
    told = Dataset(
        name=dataset.name,
        columns=dataset.columns,
        categories=dataset.categories,
        dropped=dataset.dropped,
        features=features,
        target=target,
        days=None,
        past=np.ones(len(rows), dtype=bool),
    )
    return told, np.arange(len(rows))
