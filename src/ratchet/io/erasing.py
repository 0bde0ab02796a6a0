"""Taking a batch away: its objects from DVC's remote and cache, and what the work tree has of it.

What tells where the rows are goes last: killed at any point, the same once more finds the rest and takes it away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.io import layout, profile_cache, refused, sample_files
from ratchet.io.batch_objects import OF_BATCHES, BatchObjects, Holding
from ratchet.io.batches import RawBatches, UnitStore, pointer
from ratchet.io.releases import releases_path, taken_path

GENERAL = (layout.EVALUATION, str(profile_cache.FOLDER), layout.REPORTS)
"""What is made of all batches, and made again by the next run or by who asks for it."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Where the rows of batches are, as far as it is known here.

    `cached` and `remote` are objects in DVC's cache and on its remote, None where there is no remote; `paths` are files
    and folders of the work tree, relative to the project; `kept` are objects that something else needs, each with the
    file that names it.
    """

    cached: tuple[str, ...]
    remote: tuple[str, ...] | None
    paths: tuple[str, ...]
    kept: dict[str, str]

    @property
    def none(self) -> bool:
        """Whether nothing is there to take away."""
        return not (self.cached or self.remote or self.paths)


def traces(finder: BatchObjects, holding: Holding, batches: Sequence[str]) -> Traces:
    """What there is to take away; `batches` leave the work tree."""
    stores = finder.stores
    names = (*holding.files, *holding.folders)
    there = {*stores.here(stores.cache, holding.kept), *stores.here(stores.remote, holding.kept)}
    return Traces(
        cached=tuple(stores.here(stores.cache, names)),
        remote=None if stores.remote is None else tuple(stores.here(stores.remote, names)),
        paths=tuple(path.relative_to(finder.root).as_posix() for path in _paths(finder.root, batches)),
        kept={name: path for name, path in holding.kept.items() if name in there},
    )


def erase(finder: BatchObjects, holding: Holding, batches: Sequence[str]) -> None:
    """Take it all away, the pointers that git tracks last; what is not there any more is passed over."""
    root, stores = finder.root, finder.stores
    pointers = {pointer(RawBatches(root).folder / batch) for batch in batches}
    with stores.locked():
        stores.remove(holding.files)
        for path in _paths(root, batches):
            if path not in pointers:
                _remove(path)
        for output in OF_BATCHES:
            units = UnitStore(root / output)
            if units.manifest().units.keys() & set(batches):
                units.forget(batches)
        stores.remove(holding.folders)
        for path in pointers:
            _remove(path)


def _paths(root: Path, batches: Sequence[str]) -> list[Path]:
    """Where the work tree has rows of the batches, or what is written about them alone.

    The record of where a batch came from stays: by it a source knows what was taken already.
    """
    own = [path for batch in batches for path in _own(root, batch) if path.exists()]
    return [*(root / name for name in GENERAL if own and (root / name).exists()), *own]


def _own(root: Path, batch: str) -> Iterator[Path]:
    raw = RawBatches(root)
    yield from (root / output / batch for output in OF_BATCHES)
    yield from (refused.folder_of(root, batch), root / sample_files.FOLDER / sample_files.RAW / batch)
    yield from (raw.folder / batch, releases_path(raw, batch), taken_path(raw, batch), pointer(raw.folder / batch))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
