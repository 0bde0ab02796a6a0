"""The file that act reads a run's secrets from: it is there as long as the run is, and nobody else may read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def secret_file(path: Path, secrets: Mapping[str, str]) -> Iterator[None]:
    """Write the secrets to `path`, each on a line; the file goes with the block."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        # Quoted, what is in a value stays as it is.
        file.writelines(f"{name}='{value}'\n" for name, value in secrets.items())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
