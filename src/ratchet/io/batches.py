"""Folders with one unit per batch: raw batches as they came, and per-batch outputs of stages.

A raw batch is `data/raw/<batch>/`, one file per table (`rows.parquet` or `rows.csv`, lookups beside it); the
standing lookups are `data/lookups/<name>.parquet`. A stage's output is `<folder>/<unit>/<file>` with a
`manifest.json`; a file is read only if the manifest names it and its bytes have the recorded digest.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from ratchet.core.manifest import Manifest, Unit, Work, plan_work
from ratchet.core.schema import LOOKUPS, ROWS
from ratchet.errors import DataRefused, ServiceFailed, TamperedFile, UsageError
from ratchet.io import files
from ratchet.io.unit_manifest import UnitManifest

SUFFIXES = (".parquet", ".csv")
"""What a raw table may be."""

BATCH_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")


def pointer(path: Path) -> Path:
    """The `.dvc` file of a batch's folder or of a lookup."""
    return path.with_name(f"{path.name}.dvc")


def tracked_names(paths: Iterable[PurePath]) -> set[str]:
    """The batches whose `.dvc` files are among these files of `data/raw/`."""
    return {path.stem for path in paths if path.suffix == ".dvc" and BATCH_NAME.fullmatch(path.stem)}


def check_batch_name(name: str) -> str:
    """Return `name` if a batch may have it. Raises UsageError."""
    if not BATCH_NAME.fullmatch(name) or name == LOOKUPS:
        raise UsageError(
            f"{name!r} cannot name a batch: letters, digits, dot, dash and underscore, not {LOOKUPS!r}",
            next_step="use names that sort in time order, such as 2013-07",
        )
    return name


@dataclass(frozen=True)
class RawBatches:
    """The raw batches of the project at `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        """Where the batches are."""
        return self.root / "data" / "raw"

    @property
    def lookups(self) -> Path:
        """Where the standing lookups are."""
        return self.root / "data" / LOOKUPS

    def names(self) -> list[str]:
        """The batches that are here, in time order."""
        found = [path for path in self.folder.glob("*") if path.is_dir() and BATCH_NAME.fullmatch(path.name)]
        return sorted(path.name for path in found)

    def untracked(self) -> list[Path]:
        """Batches and standing lookups that are here without a `.dvc` file, so that git does not know them."""
        found = [self.folder / name for name in self.names()] + list(self.standing_files().values())
        return [path for path in found if not pointer(path).is_file()]

    def absent(self) -> list[Path]:
        """Batches and standing lookups that a `.dvc` file names and that are not here."""
        named = [path.with_suffix("") for folder in (self.folder, self.lookups) for path in folder.glob("*.dvc")]
        return sorted(path for path in named if not path.exists())

    def table_files(self, batch: str) -> dict[str, Path]:
        """The files of one batch by table name, the rows first. Raises DataRefused if there is no rows table."""
        found = tables_in(self.folder / batch)
        if ROWS not in found:
            raise DataRefused(
                f"batch {batch} has no {ROWS} table in data/raw/{batch}/",
                next_step=f"it needs one of {', '.join(ROWS + suffix for suffix in SUFFIXES)}",
            )
        return found

    def standing_files(self) -> dict[str, Path]:
        """The files of the standing lookups by table name."""
        return tables_in(self.lookups)


def tables_in(folder: Path) -> dict[str, Path]:
    """The tables in a folder by name, the rows first."""
    found = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)
    return {path.stem: path for path in sorted(found, key=lambda path: (path.stem != ROWS, path.stem))}


@dataclass(frozen=True)
class UnitStore:
    """A stage's output folder."""

    folder: Path

    def manifest(self) -> Manifest:
        """What the folder holds; empty if it was never written or its manifest cannot be read."""
        return UnitManifest(self.folder).read()

    def names(self) -> list[str]:
        """The batches in the folder, in time order."""
        return sorted(set(self.manifest().units) - {LOOKUPS})

    def update(self, wanted: Mapping[str, str], make: Callable[[str, Path], None]) -> Work:
        """Bring the folder up to date: keep, make and prune units.

        `wanted` maps each unit to its key; `make(name, folder)` fills a fresh folder. A unit is recorded as soon as
        it is whole, so that an interrupted run goes on where it stopped.
        """
        manifest = UnitManifest(self.folder)
        manifest.begin(self.manifest().units)
        files.sweep(self.folder)
        found = self._intact()
        work = plan_work(wanted, found)
        units = {name: found.units[name] for name in work.keep}
        manifest.begin(units)
        try:
            for name in work.make:
                with files.new_folder(self.folder / name) as half:
                    make(name, half)
                units[name] = Unit(key=wanted[name], files=_digests(self.folder / name))
                manifest.append(name, units[name])
            self._prune(units)
        finally:
            manifest.end(units)
        return work

    def forget(self, units: Iterable[str]) -> None:
        """Take units out of the manifest, so that they count as never made."""
        gone = set(units)
        UnitManifest(self.folder).end({name: unit for name, unit in self.manifest().units.items() if name not in gone})

    def file(self, unit: str, name: str) -> Path:
        """The path of one file, verified. Raises ServiceFailed if it is not there, TamperedFile if it was altered."""
        recorded = self.manifest().units.get(unit)
        path = self.folder / unit / name
        if recorded is None or name not in recorded.files or not path.is_file():
            raise ServiceFailed(f"{path} is not there", next_step="ratchet run makes it")
        if files.digest(path) != recorded.files[name]:
            raise TamperedFile(
                f"{path} is not what the stage wrote: its bytes were changed",
                next_step=f"remove {self.folder} and run ratchet run: it is made again from the raw batches",
            )
        return path

    def digests(self, unit: str) -> dict[str, str]:
        """The recorded SHA-256 of each file of a unit."""
        return self.manifest().units[unit].files

    def _intact(self) -> Manifest:
        """The manifest without units whose files are not what was recorded: those are made again."""
        units = self.manifest().units
        return Manifest(
            units={name: unit for name, unit in units.items() if _digests(self.folder / name) == unit.files}
        )

    def _prune(self, units: Mapping[str, Unit]) -> None:
        for path in list(self.folder.glob("*")):
            if path.is_dir() and path.name not in units:
                shutil.rmtree(path)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: files.digest(path) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.glob("*") if path.is_file()))
