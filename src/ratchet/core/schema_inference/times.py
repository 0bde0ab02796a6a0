"""Which column orders the rows, and which stretch of time a batch holds."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ratchet.core.schema import ColumnType, Period
from ratchet.core.validation.periods import FORMS, inside, stretch_of


def time_candidates(frames: Mapping[str, pl.DataFrame], types: Mapping[str, ColumnType]) -> list[str]:
    """The timestamps that every row of every batch has."""
    timestamps = [name for name, kind in types.items() if kind == "timestamp"]
    return [name for name in timestamps if not any(frame[name].null_count() for frame in frames.values())]


def named_after(batches: Mapping[str, pl.DataFrame], zone: str | None) -> Period | None:
    """The period that all batches are named after, whether their rows lie in it or not; None if there is none."""
    for every in FORMS:
        period = Period.model_validate({"every": every, "zone": zone})
        if all(stretch_of(name, period) for name in batches):
            return period
    return None


def outside(batches: Mapping[str, pl.DataFrame], time: str, period: Period) -> int:
    """How many rows are not in the period that their batch is named after."""
    found = 0
    for name, frame in batches.items():
        stretch, kind = stretch_of(name, period), frame.schema[time]
        if stretch is not None and isinstance(kind, pl.Datetime):
            holds = inside(time, stretch, period.zone, zoned=kind.time_zone is not None)
            found += frame.height - int(frame.select(holds).to_series().sum())
    return found
