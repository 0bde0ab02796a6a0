"""Tables on disk: Parquet through Arrow, written whole and with the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ratchet.core.conform import conform
from ratchet.core.schema import Table
from ratchet.errors import BatchRefused, Violation
from ratchet.io import files

if TYPE_CHECKING:
    import pandas as pd


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a data frame's columns (not its index) as Parquet."""
    write_table(path, pa.Table.from_pandas(frame, preserve_index=False))


def write_table(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as Parquet, without metadata that depends on where it was made."""
    import pyarrow.parquet as pq

    bare = table.replace_schema_metadata(None)
    files.write(path, lambda half: pq.write_table(bare, half, compression="zstd", store_schema=False))


def read_frame(path: Path) -> pd.DataFrame:
    """Read Parquet as a data frame."""
    import pyarrow.parquet as pq

    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame


def read_raw(path: Path, *, batch: str, texts: Sequence[str]) -> pa.Table:
    """Read a raw table, CSV or Parquet; `texts` are columns that hold text, which CSV cannot say.

    Raises BatchRefused if the file is empty, truncated or something else.
    """
    if path.stat().st_size == 0:
        raise BatchRefused(batch, [Violation(table=path.name, column="*", rule="the file is empty", count=0)])
    try:
        return _read_csv(path, texts) if path.suffix == ".csv" else _read_parquet(path)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        rule = f"cannot be read as {path.suffix.lstrip('.')}: {str(error).splitlines()[0]}"
        raise BatchRefused(batch, [Violation(table=path.name, column="*", rule=rule, count=0)]) from error


def read_typed(batch: str, paths: Mapping[str, Path], tables: Mapping[str, Table]) -> dict[str, pa.Table]:
    """Read and parse all tables of a unit. Raises BatchRefused with everything that is wrong with any of them."""
    wrong = [(name, "table is missing") for name in tables if name not in paths]
    wrong += [(name, "table is not in schema.yaml") for name in paths if name not in tables]
    violations = [Violation(table=name, column="*", rule=rule, count=0) for name, rule in wrong]
    typed: dict[str, pa.Table] = {}
    for name in (name for name in tables if name in paths):
        texts = [column for column, rule in tables[name].columns.items() if rule.type == "string"]
        raw = read_raw(paths[name], batch=batch, texts=texts)
        typed[name], found = conform(raw, tables[name], name=name)
        violations.extend(found)
    if violations:
        raise BatchRefused(batch, violations)
    return typed


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(path)


def _read_csv(path: Path, texts: Sequence[str]) -> pa.Table:
    from pyarrow import csv

    types = {name: pa.string() for name in texts}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True, column_types=types))
