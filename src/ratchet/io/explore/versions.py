"""What a page is made with: this package's files, the room's, and the libraries that compute and draw."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import ratchet
from ratchet.io import files
from ratchet.io.code import library_versions
from ratchet.io.room import room_files, room_folder

KINDS = (".py", ".j2", ".css")
DRAWN_BY = ("matplotlib", "skrub", "vl-convert-python")


def versions_digest(root: Path, room: str) -> str:
    """SHA-256 of all of it; the same whatever has been imported so far."""
    package = Path(ratchet.__file__).parent
    ours = sorted(path for path in package.rglob("*") if path.suffix in KINDS)
    sha = hashlib.sha256()
    place = room_folder(root, room)
    for base, paths in ((package, ours), (place.parents[1], room_files(place))):
        for path in paths:
            sha.update(f"{path.relative_to(base).as_posix()} {files.digest(path)}\n".encode())
    libraries = library_versions() | {name: importlib.metadata.version(name) for name in DRAWN_BY}
    sha.update(repr(sorted(libraries.items())).encode())
    return sha.hexdigest()
