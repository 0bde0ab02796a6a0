"""Which batches hold a row, by the key that people type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.rows_to_explain import matches
from ratchet.io.tables import read_table

LABELS = "labels.parquet"


def batches_of_row(root: Path, key: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The batches of the last run that hold rows with this key, each with how many; labels are not read.

    Raises UsageError for a value that the key cannot have, ServiceFailed, TamperedFile.
    """
    store = UnitStore(root / layout.FEATURES)
    for name in store.names():
        rows = read_table(store.file(name, LABELS), columns=list(key)).to_pandas()
        if count := int(matches(rows, key, wanted).sum()):
            yield name, count
