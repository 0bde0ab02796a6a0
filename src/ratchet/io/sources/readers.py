"""A file's rows in chunks, by its format: CSV, JSON lines, Parquet; plain, gzip or zip."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from ratchet.core.conform import ARROW
from ratchet.core.schema import ColumnType
from ratchet.core.sources.declared import Format
from ratchet.errors import DataRefused

SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
PACKED = (".gz", ".zip")
BLOCK = 8 << 20
"""Bytes of text that are parsed at once."""
PARQUET_ROWS = 1 << 16


def format_of(name: str, declared: Format | None) -> Format:
    """The format of a file, as declared or as its name ends. Raises DataRefused."""
    path = PurePosixPath(name.partition("?")[0])
    suffix = PurePosixPath(path.stem).suffix if path.suffix in PACKED else path.suffix
    found = declared or SUFFIXES.get(suffix)
    if found is None:
        raise DataRefused(
            f"{name} does not end in {', '.join(SUFFIXES)} (or these and {' or '.join(PACKED)})",
            next_step="say what it holds: format: csv, jsonl or parquet, in params.yaml",
        )
    return found


def chunks_of(path: Path, name: str, declared: Format | None, types: Mapping[str, ColumnType]) -> Iterator[pa.Table]:
    """The rows of the file at `path`, which its source calls `name`.

    Cells of CSV stay text here: what they become is decided when all of a batch's are seen. Raises DataRefused.
    """
    read = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet}[format_of(name, declared)]
    try:
        with _unpacked(path) as file:
            yield from read(file, types)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, zipfile.BadZipFile, OSError, UnicodeDecodeError) as error:
        raise DataRefused(
            f"{name} cannot be read: {str(error).splitlines()[0]}; nothing was taken of it",
            next_step="look at the file at its source; if it was still being written, run the same command again",
        ) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Any]:
    """The file, or what is packed in it: it says itself by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] == b"\x1f\x8b":
        with pa.CompressedInputStream(pa.OSFile(str(path)), "gzip") as stream:
            yield stream
    elif head == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise DataRefused(f"{path.name} holds {len(names)} files", next_step="pack one file, or none")
            with archive.open(names[0]) as member:
                yield pa.PythonFile(member, mode="r")
    else:
        with pa.OSFile(str(path)) as plain:
            yield plain


def _csv(file: Any, types: Mapping[str, ColumnType]) -> Iterator[pa.Table]:
    from pyarrow import csv

    texts = csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(types, pa.string()))
    options = csv.ReadOptions(block_size=BLOCK, use_threads=False)
    # A text may have several lines; otherwise a block that ends within one would be misread.
    lines = csv.ParseOptions(newlines_in_values=True)
    yield from _tables(csv.open_csv(file, read_options=options, parse_options=lines, convert_options=texts))


def _json_lines(file: Any, types: Mapping[str, ColumnType]) -> Iterator[pa.Table]:
    from pyarrow import json

    # JSON has no moments: they are text, like in CSV.
    schema = pa.schema([pa.field(name, ARROW.get(kind, pa.string())) for name, kind in types.items()])
    yield from _tables(
        json.open_json(
            file,
            read_options=json.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
        )
    )


def _parquet(file: Any, _: Mapping[str, ColumnType]) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    reader = pq.ParquetFile(file)
    for batch in reader.iter_batches(batch_size=PARQUET_ROWS, use_threads=False):
        yield pa.Table.from_batches([batch])


def _tables(reader: Any) -> Iterator[pa.Table]:
    with reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])
