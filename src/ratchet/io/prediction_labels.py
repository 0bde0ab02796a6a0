"""Labels that came back: read from a file of the user's, and kept beside the log of predictions, one file a delivery.

`labels/part-000001.parquet` has the columns `id` (that of a row, `ID/i`) and `label`, both text; a file is written
once and never changed, so that the order in which labels came is known. Two that are written at once get two numbers.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ratchet.errors import DataRefused, ServiceFailed
from ratchet.io import files
from ratchet.io.prediction_log import FOLDER_MODE

FOLDER = "labels"
PART = "part-{:06d}.parquet"
COLUMNS = ("id", "label")
ATTEMPTS = 100


@dataclass(frozen=True)
class LabelFile:
    """Labels as the user has them; the row at place 0 is the line `first` of the file, in the file's own `word`."""

    table: pl.DataFrame
    first: int
    word: str

    def where(self, place: int) -> str:
        """How a person finds a row.

        >>> LabelFile(pl.DataFrame(), 2, "line").where(3)
        'line 5'
        """
        return f"{self.word} {place + self.first}"


def read_label_file(path: Path) -> LabelFile:
    """Read a CSV or Parquet file with the columns `id` and `label`, as text. Raises DataRefused."""
    try:
        if path.suffix == ".parquet":
            return LabelFile(_labels(path, pl.read_parquet(path)), 1, "row")
        # Quoted values may hold line breaks nowhere: ids and labels are single words.
        return LabelFile(_labels(path, pl.read_csv(path, infer_schema=False)), 2, "line")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataRefused(
            f"{path} cannot be read as {'Parquet' if path.suffix == '.parquet' else 'CSV'}: {error}",
            next_step="give a CSV file, or one that ends in .parquet, with the columns id and label",
        ) from error


def read_kept(folder: Path, *, first_day: str = "") -> pl.DataFrame:
    """All labels in the log `folder`, of requests since `first_day` (YYYYMMDD), with `part`, in the order they came."""
    parts = _parts(folder)
    tables = [
        pl.read_parquet(path)
        .filter(pl.col("id").str.slice(0, 8) >= first_day)
        .with_columns(pl.lit(number, dtype=pl.Int64).alias("part"))
        for number, path in parts
    ]
    empty = pl.DataFrame(schema={"id": pl.String, "label": pl.String, "part": pl.Int64})
    return pl.concat([empty, *tables])


def keep(folder: Path, choose: Callable[[pl.DataFrame], pl.DataFrame]) -> int:
    """Add a part of what `choose` makes of the labels that are kept already; returns how many labels it has.

    `choose` is asked again if another delivery came in between. Raises what it raises, and ServiceFailed.
    """
    for _ in range(ATTEMPTS):
        parts = _parts(folder)
        chosen = choose(read_kept(folder))
        if chosen.is_empty():
            return 0
        number = parts[-1][0] + 1 if parts else 1
        if _put(folder / FOLDER, number, chosen.select(COLUMNS)):
            return len(chosen)
    raise ServiceFailed(f"{folder / FOLDER} is written by others all the time", next_step="try again in a minute")


def _put(folder: Path, number: int, table: pl.DataFrame) -> bool:
    """Write the part whole, under a number that nobody has; False if somebody has it."""
    _make(folder)
    half = folder / f"{files.HALF_WRITTEN}{uuid.uuid4().hex[:8]}"
    files.write(half, table.write_parquet)
    try:
        os.link(half, folder / PART.format(number))
    except FileExistsError:
        return False
    finally:
        half.unlink()
    return True


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise ServiceFailed(
            f"{folder} cannot be made: {error.strerror}", next_step="check who owns the log, and its mount"
        ) from error


def _parts(folder: Path) -> Sequence[tuple[int, Path]]:
    """The parts by number, oldest first."""
    found = (folder / FOLDER).glob(PART.replace("{:06d}", "*"))
    return sorted((int(path.stem.removeprefix("part-")), path) for path in found)


def _labels(path: Path, table: pl.DataFrame) -> pl.DataFrame:
    if lacking := [name for name in COLUMNS if name not in table.columns]:
        raise DataRefused(
            f"{path} has no column {' and '.join(lacking)}; it has {', '.join(table.columns[:10]) or 'none'}",
            next_step="name the columns id (the prediction's id and the row's place, ID/0) and label",
        )
    return table.select(pl.col(name).cast(pl.String) for name in COLUMNS)
