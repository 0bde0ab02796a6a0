"""Where the tables of a batch are read from: the raw files, or what was ingested where only that is here.

Both say the same: `ingested` is what the raw files become when they are typed. The raw files are never behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ratchet.core.schema import LOOKUPS, Schema, Table
from ratchet.io import files, layout
from ratchet.io.batches import RawBatches, UnitStore
from ratchet.io.ingested import SUFFIX
from ratchet.io.tables import read_typed


@dataclass(frozen=True)
class Origin:
    """One unit: the file of each of its tables, the folder they are in, and a digest of each of them."""

    unit: str
    folder: str
    paths: Mapping[str, Path]
    digests: Mapping[str, str]

    def read(self, tables: Mapping[str, Table]) -> dict[str, pa.Table]:
        """The typed tables. Raises BatchRefused if they cannot be typed by the schema."""
        return read_typed(self.unit, self.paths, tables)


def origins(root: Path, schema: Schema) -> dict[str, Origin]:
    """Every unit that is here by name: the batches in time order, the standing lookups if there are any.

    Raises DataRefused if a raw batch has no rows, TamperedFile if an ingested file was altered.
    """
    raw = RawBatches(root)
    found = {name: _raw(root, name, raw.table_files(name)) for name in raw.names()}
    if raw.standing_files() and schema.standing_tables():
        found[LOOKUPS] = _raw(root, LOOKUPS, raw.standing_files())
    ingested = UnitStore(root / layout.INGESTED)
    for name, unit in ingested.manifest().units.items():
        if name not in found and unit.files:
            paths = {each.removesuffix(SUFFIX): ingested.file(name, each) for each in unit.files}
            found[name] = Origin(name, f"{layout.INGESTED}/{name}", paths, unit.files)
    return dict(sorted(found.items()))


def _raw(root: Path, unit: str, paths: Mapping[str, Path]) -> Origin:
    folder = next(iter(paths.values())).parent.relative_to(root).as_posix()
    return Origin(unit, folder, paths, {path.name: files.digest(path) for path in paths.values()})
