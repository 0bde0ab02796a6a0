"""Make the public sample that a fork's pull request runs on: a few rows of the newest batches, in git."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.deliveries import deliveries
from ratchet.core.schema import LOOKUPS, ROWS
from ratchet.core.split import plan_split
from ratchet.errors import UsageError
from ratchet.flows.intake import examine
from ratchet.io import files, sample_files
from ratchet.io.batches import RawBatches
from ratchet.io.releases import read_releases, releases_path
from ratchet.io.room import feature_functions, read_params, read_schema
from ratchet.io.sample_files import Drawing
from ratchet.settings import Settings

LARGEST = 2_000_000
"""Bytes: every clone carries every version of the sample for ever."""


@dataclass(frozen=True)
class Made:
    """What a sample holds: rows by batch, entries by standing lookup, and its size in bytes."""

    rows: Mapping[str, int]
    lookups: Mapping[str, int]
    size: int


def make(settings: Settings, *, rows: int, batches: int, public: bool) -> Made:
    """Write `data/sample/` from the newest `batches` batches here, at most `rows` rows of each.

    Raises UsageError unless `public` says that everybody may see the rows, or if the sample is too large for git;
    DataRefused if there are too few batches. What was there before is then still there.
    """
    if not public:
        raise UsageError(
            "a sample is committed to git, and whoever can see the repository or a fork of it sees its rows: "
            "it is for data that is public anyway, and nothing was written",
            next_step="ratchet sample make --public, if every row of these batches may be seen by everybody",
        )
    root = settings.root
    params = read_params(root)
    schema = read_schema(root, params)
    raw = RawBatches(root)
    names = [name for together in deliveries(raw.names())[-batches:] for name in together]
    plan_split(names, holdout=params.split.holdout, folds=params.split.folds)
    drawing = Drawing(data=raw, schema=schema, build=feature_functions(root, params).build, rows=rows)
    return _write(drawing, names, root / sample_files.FOLDER)


def _write(drawing: Drawing, names: list[str], folder: Path) -> Made:
    with files.new_folder(folder / sample_files.RAW) as halves, files.new_folder(folder / sample_files.LOOKUPS) as half:
        drawn = {}
        for name in names:
            (halves / name).mkdir()
            drawn[name] = sample_files.write_batch(drawing, name, halves / name)
        lookups = sample_files.write_standing(drawing, drawn, half)
        _examine(drawing, halves, half)
        for name in names:
            _copy_releases(drawing.data, name, halves)
        _copy_releases(drawing.data, LOOKUPS, half)
        size = _require_small(sample_files.size(halves) + sample_files.size(half))
    return Made({name: len(tables[ROWS]) for name, tables in drawn.items()}, lookups, size)


def _examine(drawing: Drawing, batches: Path, lookups: Path) -> None:
    """What is written passes the checks that a batch must pass, with what was released. Raises BatchRefused."""
    for folder in sorted(batches.iterdir()):
        examine(folder.name, _tables(folder), drawing.schema, read_releases(drawing.data, folder.name))
    examine(LOOKUPS, _tables(lookups), drawing.schema, read_releases(drawing.data, LOOKUPS))


def _copy_releases(raw: RawBatches, batch: str, folder: Path) -> None:
    """What people let pass of the batch, they let pass of its sample."""
    path = releases_path(raw, batch)
    if path.is_file():
        shutil.copyfile(path, folder / path.name)


def _tables(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.iterdir())}


def _require_small(size: int) -> int:
    if size > LARGEST:
        raise UsageError(
            f"the sample would be {size / 1e6:.1f} MB, and every clone carries it for ever: "
            f"at most {LARGEST / 1e6:.1f} MB; nothing was written",
            next_step="take fewer --rows or fewer --batches",
        )
    return size
