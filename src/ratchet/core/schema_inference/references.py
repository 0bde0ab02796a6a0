"""References: columns of the rows that have the names of a lookup's key, and find their entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from ratchet.core.schema import Reference
from ratchet.core.schema_inference.room import matched_required
from ratchet.core.schema_inference.tables import Typed


def find_references(
    rows: Typed, lookups: Mapping[str, tuple[Sequence[str], Typed]], *, standing: Collection[str]
) -> list[Reference]:
    """The references to `lookups`, each given by its key and its table; those of `standing` have one table for all."""
    found = []
    for name, (key, lookup) in lookups.items():
        if any(rows.types.get(column) != lookup.types[column] for column in key):
            continue
        shares = [
            _matched(frame, next(iter(lookup.frames.values())) if name in standing else lookup.frames[batch], key)
            for batch, frame in rows.frames.items()
        ]
        matched = matched_required(min(shares))
        if matched is not None:
            found.append(Reference(lookup=name, columns=list(key), matched=matched))
    return found


def _matched(rows: pl.DataFrame, lookup: pl.DataFrame, key: Sequence[str]) -> float:
    """The share of rows that find an entry, as validation counts it."""
    here, there = rows.select(key), lookup.select(key).cast({name: rows.schema[name] for name in key}, strict=False)
    return here.join(there, on=list(key), how="semi").height / rows.height
