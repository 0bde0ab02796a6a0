"""Raw tables of which no schema is known yet: cells of CSV stay text, other formats keep the types that they have."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa

from ratchet.core.schema_inference.types import UNTYPED
from ratchet.errors import DataRefused, UsageError
from ratchet.io.sources.readers import chunks_of


def read_untyped(path: Path) -> pa.Table:
    """Read a file of rows: CSV, Parquet or JSON lines. Raises UsageError if it is not there, DataRefused otherwise."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", next_step="check the path")
    if path.suffix == ".csv":
        return _csv(path)
    chunks = list(chunks_of(path, path.name, None, {}))
    try:
        return pa.concat_tables(chunks, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise _refused(path, error) from error


def _csv(path: Path) -> pa.Table:
    from pyarrow import csv as arrow

    try:
        names = _header(path)
        _require_commas(path, names)
        texts = dict.fromkeys(names, pa.string())
        read = arrow.ReadOptions(use_threads=False)
        options = arrow.ConvertOptions(strings_can_be_null=True, column_types=texts)
        return arrow.read_csv(path, read_options=read, convert_options=options).replace_schema_metadata(UNTYPED)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(path, error) from error


def _header(path: Path) -> list[str]:
    """The names of the columns; Arrow's own reader of a part of a file cannot be left early without an abort."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _require_commas(path: Path, names: list[str]) -> None:
    if len(names) == 1 and (other := next((each for each in ";\t|" if each in names[0]), "")):
        raise DataRefused(
            f"{path} has one column, {names[0]!r}: it looks separated by {other!r}", next_step="save it with commas"
        )


def _refused(path: Path, error: Exception) -> DataRefused:
    why = str(error).splitlines()[0]
    return DataRefused(f"{path} cannot be read: {why}", next_step="look at the file; mend it where it comes from")
