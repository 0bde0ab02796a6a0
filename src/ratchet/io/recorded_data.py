"""The raw data of a commit, put into a folder from DVC's cache or remote: every byte is compared with its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.errors import ServiceFailed, TamperedFile
from ratchet.io import cache, dvc
from ratchet.io.pointers import pointer_digest

if TYPE_CHECKING:
    from dvc.repo import Repo

FOLDERS = ("data/raw", "data/lookups")
TREE = ".dir"


def place_data(root: Path, remote: str | None, into: Path) -> dict[str, str]:
    """Put the data that the `.dvc` files of the project at `into` name beside them, as copies.

    `root` is the project whose cache and remote have it. What the cache has with other bytes than its digest says is
    not placed: returns these, by path, with what is wrong. Raises ServiceFailed if something is nowhere.
    """
    wanted = {path.with_suffix(""): pointer_digest(path) for path in _pointers(into)}
    with dvc.project(root, remote) as repo:
        if missing := cache.bring(repo, wanted.values()):
            names = [path.name for path, digest in wanted.items() if digest in missing]
            raise ServiceFailed(
                f"{', '.join(sorted(names))}: neither in DVC's cache nor on its remote",
                next_step="push it from a checkout that has it: dvc push",
            )
        found = {path: _placed(repo, digest, path) for path, digest in wanted.items()}
    return {path.relative_to(into).as_posix(): why for path, why in found.items() if why}


def _pointers(root: Path) -> Iterator[Path]:
    return (path for folder in FOLDERS for path in sorted((root / folder).glob("*.dvc")))


def _placed(repo: Repo, digest: str, path: Path) -> str:
    """What is wrong with an object; empty once it is in place."""
    name = path.name
    try:
        if digest.endswith(TREE):
            listing = json.loads(_object(repo, digest))
            for each in listing:
                name = each["relpath"]
                _write(path, name, _object(repo, each["md5"]))
        else:
            _write(path.parent, path.name, _object(repo, digest))
    except TamperedFile as error:
        return f"{name}: {error.message}"
    return ""


def _object(repo: Repo, name: str) -> bytes:
    """An object's bytes. Raises TamperedFile if they are not those of its name."""
    data = Path(repo.cache.local.oid_to_path(name)).read_bytes()
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != name.removesuffix(TREE):
        raise TamperedFile(f"DVC's cache holds other bytes than were recorded: MD5 {name}")
    return data


def _write(folder: Path, name: str, data: bytes) -> None:
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise TamperedFile(f"DVC's cache names {name!r}, outside of its folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
