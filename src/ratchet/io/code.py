"""Which code made something: a digest of the sources that are loaded, and of the libraries that compute."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from pathlib import Path

COMPUTE = ("dataframely", "ftfy", "numpy", "pandas", "polars", "pyarrow", "scikit-learn", "scipy")
"""Libraries whose version can change what a stage writes."""


def code_digest(*packages: str) -> str:
    """SHA-256 over the source of every loaded module of `packages`, and over the versions of the libraries.

    Call it when everything that is used has been imported: right before the first unit of work.
    """
    sha = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] in packages and (path := getattr(module, "__file__", None)):
            sha.update(f"{name}\n".encode())
            sha.update(Path(path).read_bytes())
    for library, version in library_versions().items():
        sha.update(f"{library}=={version}\n".encode())
    return sha.hexdigest()


def library_versions() -> dict[str, str]:
    """The version of each library that computes."""
    return {library: importlib.metadata.version(library) for library in COMPUTE}
