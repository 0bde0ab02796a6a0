"""Profiles of raw batches, kept in `.ratchet/profiles/` so that a new batch does not have to read the earlier ones.

A profile is found by the digest of all that it is made from. A file that was altered is not believed, but made again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import ratchet.core
from ratchet.core.manifest import digest_of
from ratchet.core.schema import Schema
from ratchet.io import files
from ratchet.io.code import library_versions

if TYPE_CHECKING:
    from ratchet.core.validation.profile import BatchProfile

FOLDER = Path(".ratchet") / "profiles"
MAKERS = ("conform.py", "schema.py", "validation")
"""The code in core/ by which profiles are made."""


def cached_profile(
    root: Path, paths: Mapping[str, Path], schema: Schema, make: Callable[[], BatchProfile]
) -> BatchProfile:
    """The profile of the raw tables at `paths`, from the cache of the project at `root`, or made now and kept."""
    from ratchet.core.validation.profile import BatchProfile

    place = root / FOLDER / f"{_key(paths, schema)}.json"
    digest, _, text = place.read_text(encoding="utf-8").partition("\n") if place.is_file() else ("", "", "")
    if text and digest == _digest(text):
        return BatchProfile.model_validate_json(text)
    found = make()
    text = found.model_dump_json()
    files.write_text(place, f"{_digest(text)}\n{text}")
    return found


def forget(root: Path) -> None:
    """Remove all profiles, which hold values of rows: each is made again when it is needed."""
    shutil.rmtree(root / FOLDER, ignore_errors=True)


def _key(paths: Mapping[str, Path], schema: Schema) -> str:
    content = {name: [path.suffix, files.digest(path)] for name, path in paths.items()}
    return digest_of({"content": content, "schema": schema.model_dump(), "made by": _makers()})


@cache
def _makers() -> str:
    """The digest of the code and the libraries that make profiles: one in the life of a process."""
    core = Path(next(iter(ratchet.core.__path__)))
    found = (
        path for name in MAKERS for path in ([core / name] if name.endswith(".py") else (core / name).rglob("*.py"))
    )
    return digest_of({"code": [files.digest(path) for path in sorted(found)], **library_versions()})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
