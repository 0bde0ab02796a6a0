"""Tables on disk: Parquet through Arrow, written whole and with the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ratchet.core.conform import conform
from ratchet.core.schema import Table
from ratchet.core.validation.records import Finding
from ratchet.core.validation.refusal import refusal
from ratchet.core.validation.wording import printable
from ratchet.io import files

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

LONGEST_REASON = 200
"""Characters of what Arrow says of a file."""


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a data frame's columns (not its index) as Parquet."""
    write_table(path, arrow(frame))


def arrow(frame: pd.DataFrame) -> pa.Table:
    """A data frame's columns (not its index) as Arrow.

    Moments with a zone go by UTC: for these, pandas 3.1 warns of pyarrow 25's own way.
    """
    import pandas as pd

    zones = {place: kind for place, kind in enumerate(frame.dtypes) if isinstance(kind, pd.DatetimeTZDtype)}
    plain = frame.copy(deep=False)
    for place in zones:
        plain.isetitem(place, frame.iloc[:, place].dt.tz_convert(None))
    table = pa.Table.from_pandas(plain, preserve_index=False)
    for place, kind in zones.items():
        instants = table.column(place).cast(pa.timestamp(kind.unit, tz="UTC"))
        zoned = instants.cast(pa.timestamp(kind.unit, tz=pa.lib.tzinfo_to_string(kind.tz)))
        table = table.set_column(place, table.column_names[place], zoned)
    return table


def write_table(path: Path, table: pa.Table) -> None:
    """Write an Arrow table as Parquet, without metadata that depends on where it was made."""
    import pyarrow.parquet as pq

    bare = table.replace_schema_metadata(None)
    files.write(path, lambda half: pq.write_table(bare, half, compression="zstd", store_schema=False))


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file as an Arrow table: all columns, or those named, in the order of the file.

    `pyarrow.parquet.read_table` would load pandas, and take a folder named `a=b` above the file for a column.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(columns=None if columns is None else list(columns))


def read_frame(path: Path) -> pd.DataFrame:
    """Read Parquet as a data frame."""
    frame: pd.DataFrame = read_table(path).to_pandas()
    return frame


def read_polars(path: Path) -> pl.DataFrame:
    """Read Parquet as a polars data frame."""
    import polars as pl

    return pl.read_parquet(path, glob=False)


def write_polars(path: Path, frame: pl.DataFrame) -> None:
    """Write a polars data frame as Parquet, as `write_table` does."""
    import polars as pl

    write_table(path, frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def read_raw(path: Path, *, batch: str, texts: Sequence[str]) -> pa.Table:
    """Read a raw table, CSV or Parquet; `texts` are columns that hold text, which CSV cannot say.

    Raises BatchRefused if the file is empty, truncated or something else.
    """
    found = _read(path, texts)
    if isinstance(found, Finding):
        raise refusal(batch, [found])
    return found


def read_typed(batch: str, paths: Mapping[str, Path], tables: Mapping[str, Table]) -> dict[str, pa.Table]:
    """Read and parse all tables of a unit. Raises BatchRefused with everything that is wrong with any of them."""
    typed, findings = parse_tables(paths, tables)
    if findings:
        raise refusal(batch, findings)
    return typed


def parse_tables(
    paths: Mapping[str, Path], tables: Mapping[str, Table]
) -> tuple[dict[str, pa.Table], tuple[Finding, ...]]:
    """Read and parse all tables of a unit: the typed tables, complete only without findings, and the findings."""
    findings = [_whole(name, "missing-table", "table is missing") for name in tables if name not in paths]
    findings += [_whole(name, "unknown-table", "table is not in schema.yaml") for name in paths if name not in tables]
    typed: dict[str, pa.Table] = {}
    for name in (name for name in tables if name in paths):
        raw = _read(paths[name], tables[name].texts())
        if isinstance(raw, Finding):
            findings.append(raw)
            continue
        typed[name], found = conform(raw, tables[name], name=name)
        findings.extend(found)
    return typed, tuple(findings)


def _read(path: Path, texts: Sequence[str]) -> pa.Table | Finding:
    if path.stat().st_size == 0:
        return _whole(path.name, "unreadable", "the file is empty")
    try:
        return _read_csv(path, texts) if path.suffix == ".csv" else read_table(path)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        # Arrow names the place where the file lies for now, and quotes what it could not read.
        reason = str(error).splitlines()[0].replace(f"Could not open Parquet input source '{path}': ", "")
        why = f"cannot be read as {path.suffix.lstrip('.')}: {printable(reason, LONGEST_REASON)}"
        return _whole(path.name, "unreadable", why)


def _whole(table: str, rule: str, sentence: str) -> Finding:
    return Finding(table=table, column="*", rule=rule, level="refuse", sentence=sentence, count=0)


def _read_csv(path: Path, texts: Sequence[str]) -> pa.Table:
    from pyarrow import csv

    types = {name: pa.string() for name in texts}
    return csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True, column_types=types))
