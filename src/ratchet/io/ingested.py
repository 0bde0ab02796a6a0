"""The tables of `data/ingested`: of the work tree, and of a commit as far as they differ from the work tree's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ratchet.io import layout
from ratchet.io.batches import UnitStore
from ratchet.io.revision import Revision
from ratchet.io.unit_manifest import MANIFEST

if TYPE_CHECKING:
    from dvc.repo import Repo as Repo  # noqa: PLC0414 - exported, for flows, which may not import dvc

SUFFIX = ".parquet"


@dataclass(frozen=True)
class Ingested:
    """Two versions of the tables: `head` in the work tree and `base` in a folder of its own.

    `base` holds the manifest of all that the commit has, and the files that are not the same in the work tree.
    """

    head: UnitStore
    base: UnitStore

    def differing(self) -> dict[tuple[str, str], tuple[bool, bool]]:
        """Tables (unit, name) whose bytes differ, and whether the base has it and whether the head has it; sorted."""
        old, new = self._old, self._new
        differ = sorted(table for table in old.keys() | new.keys() if old.get(table) != new.get(table))
        return {table: (table in old, table in new) for table in differ}

    def read(self, unit: str, name: str, *, base: bool, columns: Sequence[str] | None = None) -> pa.Table:
        """One table of the base or of the head, verified; of `columns` only those that it has.

        Raises ServiceFailed, TamperedFile.
        """
        import pyarrow.parquet as pq

        same = self._old.get((unit, name)) == self._new.get((unit, name))
        path = (self.base if base and not same else self.head).file(unit, f"{name}{SUFFIX}")
        kept = None if columns is None else [each for each in pq.read_schema(path).names if each in columns]
        return pq.read_table(path, columns=kept)

    def batches(self, name: str, *, base: bool) -> list[str]:
        """The units that have the table, in time order."""
        return sorted(unit for unit, table in (self._old if base else self._new) if table == name)

    @cached_property
    def _old(self) -> dict[tuple[str, str], str]:
        return _digests(self.base)

    @cached_property
    def _new(self) -> dict[tuple[str, str], str]:
        return _digests(self.head)


def fetch_ingested(repo: Repo, base: Revision, into: Path) -> Ingested:
    """Bring what the commit has otherwise than the work tree into the folder `into`.

    Raises ServiceFailed if it is neither in DVC's cache nor on its remote, TamperedFile if it was altered there.
    """
    base.fetch(repo, [f"{layout.INGESTED}/{MANIFEST}"], into)
    found = Ingested(UnitStore(base.root / layout.INGESTED), UnitStore(into / layout.INGESTED))
    needed = [table for table, (in_base, _) in found.differing().items() if in_base]
    base.fetch(repo, [f"{layout.INGESTED}/{unit}/{name}{SUFFIX}" for unit, name in needed], into)
    for unit, name in needed:
        found.base.file(unit, f"{name}{SUFFIX}")
    return found


def _digests(store: UnitStore) -> dict[tuple[str, str], str]:
    """The SHA-256 of each table by unit and name."""
    units = store.manifest().units
    return {
        (unit, name.removesuffix(SUFFIX)): digest
        for unit, recorded in units.items()
        for name, digest in recorded.files.items()
        if name.endswith(SUFFIX)
    }
