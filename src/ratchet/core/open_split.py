"""The open rows: a share of the training batches' clusters that no model is trained on, and that everybody may look at.

Whole clusters are dealt by a hash of their name, so that the same ones are open in every run, commit and project copy:
base, change and champion have all never seen them. Rows without a cluster are dealt one by one, by their key. What a
smaller share opens is part of what a larger one does. The open rows lie in the time of training (out of sample); the
batches that judge lie after it (out of time).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ratchet.core.label_columns import CLUSTER, TARGET
from ratchet.core.params import Cluster

SALT = "ratchet open split"
"""So that what is dealt here has nothing to do with what other programs deal by a hash of the same names."""
BETWEEN, ABSENT = "\x1f", "\x1e"
"""Between the parts of a key, and in place of one that is missing."""


def open_rows(labels: pa.Table, share: float) -> NDArray[np.bool_]:
    """(n,) whether each row of a batch's label table (key columns, cluster, target) is open; `share` in [0, 1)."""
    if share <= 0:
        return np.zeros(len(labels), dtype=np.bool_)
    names = labels.column(CLUSTER)
    if names.null_count == len(names):
        return _dealt(_keys(labels).to_pylist(), share)
    coded = names.combine_chunks().dictionary_encode(null_encoding="encode")
    chosen: NDArray[np.bool_] = _dealt(map(str, coded.dictionary.to_pylist()), share)[coded.indices.to_numpy()]
    return chosen


def dealt_by(cluster: Cluster | None, columns: Iterable[str]) -> str:
    """What is dealt, in words, from `split.cluster` and the columns of label tables; where it differs, other rows are.

    >>> dealt_by(None, ["id", "_cluster", "_target"])
    'id'
    >>> dealt_by(Cluster(column="time_hour", every="day", zone="America/New_York"), ["id"])
    'day of time_hour in America/New_York'
    """
    if cluster is None:
        return ", ".join(_key(columns))
    zone = f" in {cluster.zone}" if cluster.zone else ""
    return f"{cluster.every} of {cluster.column}{zone}"


def _key(columns: Iterable[str]) -> list[str]:
    return [name for name in columns if name not in (CLUSTER, TARGET)]


def _dealt(names: Iterable[str], share: float) -> NDArray[np.bool_]:
    limit = int(share * 2**64)
    return np.array([_number(name) < limit for name in names], dtype=np.bool_)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{SALT}\0{name}".encode()).digest()[:8], "big")


def _keys(labels: pa.Table) -> pa.ChunkedArray:
    """One text per row; times as nanoseconds, as how they are written depends on their unit and zone."""
    columns = [_texts(labels.column(name)) for name in _key(labels.column_names)]
    return pc.binary_join_element_wise(*columns, BETWEEN, null_handling="replace", null_replacement=ABSENT)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("ns", getattr(column.type, "tz", None))).cast(pa.int64())
    return column.cast(pa.string())
