"""The manifest of an output folder, and the journal of a run that has not ended.

While units are made each one is appended to the journal, a line of JSON; the manifest is written when the run begins
and when it ends. What a killed run left in the journal counts: the next one takes it into the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ratchet.core.manifest import Manifest, Unit
from ratchet.core.section import Section
from ratchet.io import files

MANIFEST = "manifest.json"
JOURNAL = f"{files.HALF_WRITTEN}manifest.jsonl"
"""Named as what is not finished: no other tool takes it for output."""


class Entry(Section):
    """One line of the journal."""

    name: str
    unit: Unit


@dataclass(frozen=True)
class UnitManifest:
    """Reads and writes the manifest of `folder`."""

    folder: Path

    def read(self) -> Manifest:
        """What the folder holds; empty if it was never written or its manifest cannot be read."""
        return _read(self.folder, _stamp(self.folder / MANIFEST), _stamp(self.folder / JOURNAL))

    def begin(self, units: Mapping[str, Unit]) -> None:
        """Start a run that keeps `units`; no other unit counts from now on."""
        if not (self.folder / MANIFEST).is_file() or (self.folder / JOURNAL).is_file() or self.read().units != units:
            self.end(units)

    def append(self, name: str, unit: Unit) -> None:
        """Record a unit that is whole."""
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(f"{Entry(name=name, unit=unit).model_dump_json()}\n")

    def end(self, units: Mapping[str, Unit]) -> None:
        """Record `units`, and nothing else."""
        manifest = Manifest(units=dict(sorted(units.items())))
        files.write_json(self.folder / MANIFEST, manifest.model_dump())
        (self.folder / JOURNAL).unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of a file from another: it is put in place whole, or only ever gets longer."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=16)
def _read(folder: Path, manifest: object, journal: object) -> Manifest:
    units = dict(_recorded(folder).units) if manifest else {}
    if journal:
        units |= {entry.name: entry.unit for entry in _entries(folder / JOURNAL)}
    return Manifest(units=units)


def _recorded(folder: Path) -> Manifest:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return Manifest()


def _entries(path: Path) -> Iterator[Entry]:
    """The units of a journal; a line that was cut off ends it."""
    for line in path.read_bytes().splitlines():
        try:
            yield Entry.model_validate_json(line)
        except ValueError:
            return
