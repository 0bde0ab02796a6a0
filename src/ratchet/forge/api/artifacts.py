"""Artifacts through the forge's API: what a run uploaded, listed, and packed as a zip."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

from ratchet.forge import results
from ratchet.forge.api import shapes
from ratchet.forge.api.request import Answer, Asked, Refused, page_of
from ratchet.forge.home import Home

RUN_STRIDE = 10**6
"""An artifact's number is its run's times this, plus a number made of its name."""


def list_artifacts(asked: Asked, run: str) -> Answer:
    """What a run uploaded, or what it uploaded as `name`."""
    folders = _folders(asked.place.home, int(run))
    if folders is None:
        raise Refused(404, "Not Found")
    wanted = asked.query.get("name")
    found = [
        shapes.artifact(asked.place, number, folder.name, sum(file.stat().st_size for file in _files(folder)))
        for number, folder in folders.items()
        if wanted in (None, folder.name)
    ]
    page = page_of(asked, found)
    return replace(page, json={"total_count": len(found), "artifacts": page.json})


def find(home: Home, number: int) -> Path | None:
    """The folder of an artifact, or None."""
    return (_folders(home, number // RUN_STRIDE) or {}).get(number)


def packed(folder: Path) -> bytes:
    """The zip of a folder, with the paths inside it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(folder):
            archive.write(file, file.relative_to(folder).as_posix())
    return target.getvalue()


def _folders(home: Home, run: int) -> dict[int, Path] | None:
    """The artifacts of a run by their numbers; None: there is no such run."""
    found = list(home.runs.glob(f"{run:04d}-*"))
    if not found or not results.NUMBERED.fullmatch(found[0].name):
        return None
    folders = sorted(path for path in (found[0] / "artifacts").glob("*") if path.is_dir())
    return {run * RUN_STRIDE + zlib.crc32(path.name.encode()) % RUN_STRIDE: path for path in folders}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
