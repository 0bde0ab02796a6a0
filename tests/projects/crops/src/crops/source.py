"""Fields that are made up by a seed, in three parts of 400, each of 20 villages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

Batch = tuple[str, dict[str, pd.DataFrame]]
"""A batch name ("part-1") and its one table, "rows"."""

PARTS, FIELDS, VILLAGES = 3, 400, 20
CROPS = np.array(["rice", "vines", "wheat"])
NOISE = 0.6
"""Of the liking for a crop, in standard deviations of rain and slope: no model tells all of them."""


def collect(since: str | None, until: str | None) -> Iterator[Batch]:
    """Yield the parts with since < name <= until, in the order of their numbers; None leaves that end open."""
    for part in range(PARTS):
        name = f"part-{part + 1}"
        if (since is None or since < name) and (until is None or name <= until):
            yield name, {"rows": _fields(part)}


def standing() -> dict[str, pd.DataFrame]:
    """No lookups."""
    return {}


def _fields(part: int) -> pd.DataFrame:
    chance = np.random.default_rng(part)
    village = np.arange(FIELDS) % VILLAGES
    rain, slope = chance.normal(size=(2, FIELDS)) + 0.3 * chance.normal(size=VILLAGES)[village]
    liking = np.stack([rain, slope, -np.maximum(rain, slope)]) + NOISE * chance.normal(size=(3, FIELDS))
    return pd.DataFrame(
        {
            "field": part * FIELDS + np.arange(1, FIELDS + 1),
            "village": [f"v{part}-{each:02d}" for each in village],
            "region": np.where(village < VILLAGES // 2, "north", "south"),
            "rain": np.clip(1000 + 300 * rain, 0, None),
            "slope": np.clip(20 + 5 * slope, 0, None),
            "crop": CROPS[liking.argmax(axis=0)],
        }
    )
