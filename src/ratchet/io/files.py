"""Files that are whole or not there: written beside their place, flushed, then renamed into it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratchet.errors import ServiceFailed

HALF_WRITTEN = ".writing-"
"""Prefix of files and folders that are not finished; nothing reads them, and the next run removes them."""

CHUNK = 1 << 20


def digest(path: Path, kind: str = "sha256") -> str:
    """A file's digest in hexadecimal: SHA-256, or what `kind` names."""
    sha = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def write(path: Path, writer: Callable[[Path], object]) -> None:
    """Let `writer` fill a file beside `path`, then put it in place in one step.

    Raises ServiceFailed if the disk is full or not writable; `path` is then what it was before.
    """
    with _translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{HALF_WRITTEN}{uuid.uuid4().hex[:8]}-{path.name}")
        try:
            writer(half)
            _flush(half)
            os.replace(half, path)
        finally:
            half.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write(path, lambda half: half.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a value as readable JSON with sorted keys, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A fresh folder to fill; when the block ends well it takes the place of `path`, otherwise it is removed."""
    with _translated(path):
        half = path.with_name(f"{HALF_WRITTEN}{uuid.uuid4().hex[:8]}-{path.name}")
        half.mkdir(parents=True)
        try:
            yield half
            if path.exists():
                shutil.rmtree(path)
            os.replace(half, path)
        finally:
            shutil.rmtree(half, ignore_errors=True)


def sweep(folder: Path, *, deep: bool = True) -> None:
    """Remove what an interrupted run left half written in `folder`, and unless `deep` is False, anywhere below it."""
    for half in list(folder.glob(f"{'**/' if deep else ''}{HALF_WRITTEN}*")):
        if half.is_dir():
            shutil.rmtree(half)
        else:
            half.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ServiceFailed(
                f"the disk is full: {path} was not written, and what was there before still is",
                next_step="free some space and run the same command again; it goes on where it stopped",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ServiceFailed(
                f"{path} cannot be written: {error.strerror}", next_step="check who owns the folder and its mount"
            ) from error
        raise
