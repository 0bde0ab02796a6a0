"""The pointers by which git tracks raw batches: each batch's name, and the digest of what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from ratchet.errors import ServiceFailed
from ratchet.io import files
from ratchet.io.batches import RawBatches, tracked_names
from ratchet.io.yaml_text import LOADER


def tracked_digests(root: Path) -> dict[str, str]:
    """By batch, the digest in its `.dvc` file of the checkout; the data need not be here.

    Raises ServiceFailed for a pointer that cannot be read.
    """
    folder = RawBatches(root).folder
    names = tracked_names(folder.glob("*.dvc")) if folder.is_dir() else set()
    return {name: pointer_digest(folder / f"{name}.dvc") for name in sorted(names)}


def pointer_digest(path: Path) -> str:
    """The digest that a `.dvc` file of ours names. Raises ServiceFailed if it cannot be read."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe loader
        (out,) = tree["outs"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ServiceFailed(f"{path} cannot be read: {error}", next_step=f"git checkout -- {path}") from error
    return str(_md5(out))


def folder_digest(folder: Path) -> str:
    """The digest by which DVC tracks a folder as it is now: of the list of its files, each with its MD5."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [{"md5": files.digest(path, "md5"), "relpath": path.relative_to(folder).as_posix()} for path in paths]
    text = json.dumps(sorted(listed, key=lambda each: each["relpath"]), sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def _md5(out: Mapping[str, object]) -> object:
    return out.get("md5") or out.get("etag") or out.get("checksum") or ""
