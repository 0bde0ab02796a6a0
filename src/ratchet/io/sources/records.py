"""The records of where batches came from, `data/raw/<batch>.source.json`: in git, beside the batches' `.dvc` files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ratchet.core.sources.batch_source import BatchSource
from ratchet.errors import UsageError
from ratchet.io import files
from ratchet.io.batches import RawBatches, pointer, tracked_names

SUFFIX = ".source.json"


def record_path(raw: RawBatches, name: str) -> Path:
    """Where the record of a batch is."""
    return raw.folder / f"{name}{SUFFIX}"


def write_record(raw: RawBatches, name: str, source: BatchSource) -> Path:
    """Write the record of a batch; returns where."""
    path = record_path(raw, name)
    files.write_json(path, source.model_dump(mode="json"))
    return path


def read_records(raw: RawBatches, erased: Iterable[str] = ()) -> dict[str, BatchSource | None]:
    """The record of each batch that is here, that git knows, or that was `erased`; None for one that came by hand.

    A record without its batch was left by a pull that was killed, or by a batch that was removed: it counts for
    nothing. Raises UsageError if a record cannot be read.
    """
    return {name: _read(record_path(raw, name)) for name in sorted({*known_names(raw), *erased})}


def known_names(raw: RawBatches) -> list[str]:
    """The batches that are here, and those that git knows and that were not fetched; in time order."""
    return sorted(tracked_names(raw.folder.glob("*.dvc")) | set(raw.names()))


def is_fetched(raw: RawBatches, name: str) -> bool:
    """Whether a batch that git knows is on this machine."""
    return (raw.folder / name).is_dir() or not pointer(raw.folder / name).is_file()


def _read(path: Path) -> BatchSource | None:
    try:
        return BatchSource.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UsageError(
            f"{path} is not the record of a batch: {str(error).splitlines()[0]}",
            next_step=f"get it back with git checkout -- {path.name}",
        ) from error
