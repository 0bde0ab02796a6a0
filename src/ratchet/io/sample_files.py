"""The public sample: a few rows of a few batches, in git, laid out like the data itself.

`data/sample/raw/<batch>/` and `data/sample/lookups/` mirror `data/raw/` and `data/lookups/`. Nothing of the pipeline
depends on them: they take the place of the data where the data cannot be reached (see ratchet.flows.sample_run).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.fork.sample_draw import drawn
from ratchet.core.schema import ROWS, Schema, Table
from ratchet.io.batches import RawBatches
from ratchet.io.tables import read_raw, read_typed, write_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Tables = dict[str, pd.DataFrame]
    Build = Callable[[pd.DataFrame, Tables], pd.DataFrame]

FOLDER = "data/sample"
RAW, LOOKUPS = "raw", "lookups"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a sample is drawn from and how: the project's data, its schema, its feature function, rows per batch."""

    data: RawBatches
    schema: Schema
    build: Build
    rows: int


def write_batch(drawing: Drawing, batch: str, folder: Path) -> Tables:
    """Write the drawn rows of `batch` and its lookups into `folder`; returns them, typed, with the rows first.

    Raises BatchRefused if the batch does not have the schema's columns and types.
    """
    paths = drawing.data.table_files(batch)
    tables = drawing.schema.batch_tables()
    typed = {name: table.to_pandas() for name, table in read_typed(batch, paths, tables).items()}
    mask = drawn(_texts(typed[ROWS], tables[ROWS].key), drawing.rows)
    _write_part(paths[ROWS], tables[ROWS], mask, folder / f"{ROWS}.parquet")
    typed[ROWS] = typed[ROWS][mask].reset_index(drop=True)
    for name in (name for name in tables if name != ROWS):
        shutil.copyfile(paths[name], folder / paths[name].name)
    return typed


def write_standing(drawing: Drawing, batches: Mapping[str, Tables], folder: Path) -> dict[str, int]:
    """Write the standing lookups into `folder`, cut to what the drawn rows need; returns the rows of each.

    `batches` has each batch's drawn tables. A lookup is cut to the keys that the rows hold, if the feature function
    then still says the same about every drawn row. Otherwise the rows find their entries in another way, and it stays
    whole.
    """
    paths, tables = drawing.data.standing_files(), drawing.schema.standing_tables()
    if not tables:
        return {}
    standing = {name: table.to_pandas() for name, table in read_typed(LOOKUPS, paths, tables).items()}
    sizes: dict[str, int] = {}
    for name, table in tables.items():
        mask = _needed(standing[name], table.key, (batch[ROWS] for batch in batches.values()))
        smaller = {**standing, name: standing[name][mask].reset_index(drop=True)}
        if not mask.any() or not _same_features(drawing, batches, standing, smaller):
            mask[:] = True
        _write_part(paths[name], table, mask, folder / f"{name}.parquet")
        sizes[name] = int(mask.sum())
    return sizes


def size(folder: Path) -> int:
    """Bytes of all files at or below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_part(source: Path, table: Table, mask: NDArray[np.bool_], target: Path) -> None:
    """The rows of a raw file that `mask` names, with the types that the file has."""
    import pyarrow as pa

    raw: pa.Table = read_raw(source, batch=source.parent.name, texts=table.texts())
    write_table(target, raw.filter(pa.array(mask)))


def _texts(frame: pd.DataFrame, key: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(frame[column].astype(str) for column in key), strict=True))


def _needed(lookup: pd.DataFrame, key: list[str], rows: Iterable[pd.DataFrame]) -> NDArray[np.bool_]:
    """Whether each entry's key is one that the rows hold; all of them where rows have no such columns."""
    import pandas as pd

    parts = list(rows)
    if not parts or not set(key) <= set(parts[0].columns):
        return np.ones(len(lookup), dtype=np.bool_)
    wanted = pd.MultiIndex.from_frame(pd.concat([part[key] for part in parts]).drop_duplicates())
    return np.asarray(pd.MultiIndex.from_frame(lookup[key]).isin(wanted), dtype=np.bool_)


def _same_features(drawing: Drawing, batches: Mapping[str, Tables], whole: Tables, smaller: Tables) -> bool:
    try:
        return all(
            _features(drawing, tables, whole).equals(_features(drawing, tables, smaller)) for tables in batches.values()
        )
    except (LookupError, ValueError):
        # The room's own code misses an entry: it needs them all.
        return False


def _features(drawing: Drawing, tables: Tables, standing: Tables) -> pd.DataFrame:
    lookups = {**standing, **{name: table for name, table in tables.items() if name != ROWS}}
    return drawing.build(tables[ROWS][drawing.schema.known_before()].copy(), lookups)
