"""What stands beside a batch in git: what people released of it, and when it came where that matters.

`data/raw/<batch>.releases.yaml` (of the standing lookups: `data/lookups/releases.yaml`) holds the releases, one file
per batch, so that two branches merge. `data/raw/<batch>.taken.json` says when the batch came; it is written only where
rows are later than that, since a pipeline has no clock to find them by.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from ratchet.core.schema import LOOKUPS
from ratchet.core.validation.releases import Release
from ratchet.errors import UsageError
from ratchet.io import files
from ratchet.io.batches import RawBatches

HEADER = "# What a person let pass of this batch (ratchet data release), and why. It belongs into git.\n"
SUFFIX = ".releases.yaml"
RELEASES = TypeAdapter(list[Release])


def releases_path(raw: RawBatches, batch: str) -> Path:
    """Where the releases of a batch are, or of the standing lookups."""
    return raw.lookups / SUFFIX[1:] if batch == LOOKUPS else raw.folder / f"{batch}{SUFFIX}"


def read_releases(raw: RawBatches, batch: str) -> list[Release]:
    """The releases of one batch, in the order in which they were written. Raises UsageError if the file is wrong."""
    path = releases_path(raw, batch)
    if not path.is_file():
        return []
    try:
        return RELEASES.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or [])
    except (yaml.YAMLError, ValidationError) as error:
        raise UsageError(
            f"{path} holds no releases: {str(error).splitlines()[0]}", next_step="mend it, or restore it with git"
        ) from error


def all_releases(raw: RawBatches) -> list[Release]:
    """The releases of the standing lookups and of all batches, those that are not here included."""
    batches = sorted(path.name.removesuffix(SUFFIX) for path in raw.folder.glob(f"*{SUFFIX}"))
    return [release for batch in (LOOKUPS, *batches) for release in read_releases(raw, batch)]


def write_release(raw: RawBatches, release: Release) -> Path:
    """Add one release to those of its batch; returns the file."""
    entries = [*read_releases(raw, release.batch), release]
    path = releases_path(raw, release.batch)
    text = yaml.safe_dump([each.model_dump() for each in entries], sort_keys=False, allow_unicode=True, width=120)
    files.write_text(path, HEADER + text)
    return path


def read_taken(raw: RawBatches, batch: str) -> datetime | None:
    """When the batch came, where that is written down."""
    path = taken_path(raw, batch)
    return datetime.fromisoformat(json.loads(path.read_bytes())["taken"]) if path.is_file() else None


def write_taken(raw: RawBatches, batch: str, moment: datetime) -> None:
    """Write down when the batch came: rows later than that are from the future."""
    files.write_json(taken_path(raw, batch), {"taken": moment.isoformat(timespec="seconds")})


def taken_path(raw: RawBatches, batch: str) -> Path:
    """Where it is written down when a batch came."""
    return raw.folder / f"{batch}.taken.json"
