"""Reading a table to compare it: leniently, for what breaks the schema is what somebody wants to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa

from ratchet.core.conform import conform
from ratchet.core.schema import ROWS, Column, Table
from ratchet.errors import UsageError

READERS = {".parquet": "Parquet", ".csv": "CSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines"}
"""What a file may be, by how its name ends."""
DATED = re.compile(r"\d{4}-\d\d-\d\d")


def is_table_name(name: str) -> bool:
    """Whether a name ends as those of files do that can be compared."""
    return Path(name).suffix.lower() in READERS


def is_table_file(path: Path) -> bool:
    """Whether the path is a file that can be compared."""
    return is_table_name(path.name) and path.is_file()


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns. Raises UsageError if the file is not what its name says."""
    with _translated(path):
        kind = READERS[path.suffix.lower()]
        if kind == "Parquet":
            return list(pl.read_parquet_schema(path))
        return (pl.read_csv(path, n_rows=0) if kind == "CSV" else pl.read_ndjson(path, n_rows=1)).columns


def read_for_diff(path: Path, rule: Table | None) -> pl.DataFrame:
    """Read one table; where `rule` says what a column is, it gets that type if all of its values fit.

    Columns that do not fit, and those that the schema does not know, are what the file says. Without a rule CSV's
    columns are what all of their values could be. Raises UsageError if the file is not what its name says.
    """
    with _translated(path):
        raw = _read(path, rule)
    return _typed(raw, rule) if rule else raw


def _read(path: Path, rule: Table | None) -> pl.DataFrame:
    kind = READERS[path.suffix.lower()]
    if kind == "Parquet":
        return pl.read_parquet(path, glob=False)
    if kind == "JSON lines":
        read = pl.read_ndjson(path, infer_schema_length=None)
        return read if rule else _with_moments(read)
    texts = dict.fromkeys(rule.texts(), pl.String) if rule else {}
    known = {name: kind for name, kind in texts.items() if name in pl.read_csv(path, n_rows=0).columns}
    return pl.read_csv(path, infer_schema_length=None, schema_overrides=known, try_parse_dates=not rule)


def _typed(raw: pl.DataFrame, rule: Table) -> pl.DataFrame:
    """The columns in the file's order, those that the rule can type with its types."""
    # What is a text needs no cast: only the others are handed to Arrow.
    names = [name for name in raw.columns if name in rule.columns and rule.columns[name].type != "string"]
    typed, _ = conform(raw.select(names).to_arrow(compat_level=pl.CompatLevel.oldest()), rule, name=ROWS)
    return raw.with_columns(_column(typed, name) for name in typed.column_names)


def _with_moments(raw: pl.DataFrame) -> pl.DataFrame:
    """Texts of a JSON file that are all moments as such, for JSON has no other way to write one."""
    texts = [name for name in raw.columns if raw[name].dtype == pl.String]
    dated = [name for name in texts if (first := raw[name].drop_nulls().head(1).to_list()) and DATED.match(first[0])]
    if not dated:
        return raw
    return _typed(raw, Table(key=dated[:1], columns={name: Column(type="timestamp") for name in dated}))


def _column(typed: pa.Table, name: str) -> pl.Series:
    found = pl.from_arrow(typed.column(name))
    if isinstance(found, pl.DataFrame):
        raise TypeError(f"{name} is a column, not a table")
    return found.alias(name)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read as {READERS[path.suffix.lower()]}: {str(error).splitlines()[0]}",
            next_step="check that the file is whole, and that its name says what it is",
        ) from error
