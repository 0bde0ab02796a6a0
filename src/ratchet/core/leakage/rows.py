"""Labelled rows of one or more batches, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ratchet.core.leakage.records import Names

Times = NDArray[Any]
"""Instants, numbers or texts: anything that can be compared; without missing values."""
LONGEST = 60
"""Characters of a value that is shown."""


@dataclass(frozen=True)
class Rows:
    """Features, label, key and time (None: rows have none) of each row, in the same order.

    `timed_key`: the key holds the time, so that it names an event and none comes twice.
    `batches` are the names of the batches the rows lie in, one after the other, with the number of rows of each.
    """

    features: pa.Table
    target: pa.ChunkedArray
    keys: pa.Table
    time: pa.ChunkedArray | None
    timed_key: bool
    batches: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.target)

    def names(self, row: int) -> Names:
        """What tells one row from all others: its batch, and the texts of its key and time."""
        ends = np.cumsum([length for _, length in self.batches])
        batch = self.batches[int(np.searchsorted(ends, row, side="right"))][0]
        key = [(name, text(self.keys.column(name)[row].as_py())) for name in self.keys.column_names]
        time = [] if self.time is None or self.timed_key else [("time", self.time_of(row))]
        return (("batch", batch), *key, *time)

    def time_of(self, row: int) -> str:
        """The text of a row's time; empty where it has none."""
        return "" if self.time is None else text(self.time[row].as_py())

    def timed(self) -> NDArray[np.int64]:
        """The rows that have a time."""
        return np.array([], dtype=np.int64) if self.time is None else np.flatnonzero(self.time.is_valid().to_numpy())

    def times(self) -> Times:
        """The times of the rows that have one."""
        if self.time is None:
            return np.array([])
        values = self.time.drop_null().to_numpy()
        return np.asarray(values, dtype=str if values.dtype == object else values.dtype)


def text(value: object) -> str:
    """A value as it is shown, on one line and not endless."""
    shown = " ".join(("" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)).split())
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of several batches as one; a column may be whole numbers in one batch and fractions in another."""
    timed = all(part.time is not None for part in parts)
    return Rows(
        features=_stacked([part.features for part in parts]),
        target=_stacked([pa.table({"target": part.target}) for part in parts]).column(0),
        keys=_stacked([part.keys for part in parts]),
        time=_stacked([pa.table({"time": part.time}) for part in parts]).column(0) if timed else None,
        timed_key=parts[0].timed_key,
        batches=tuple(batch for part in parts for batch in part.batches),
    )


def _stacked(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="permissive")
