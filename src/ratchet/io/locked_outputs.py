"""What `dvc.lock` says of the pipeline's outputs, held against files that lie somewhere else: DVC is not asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ratchet.core.lock_merge import STAGES
from ratchet.errors import TamperedFile
from ratchet.io import files, layout, lock_text


def require_locked(root: Path, output: str, found: Path | Mapping[str, Path]) -> None:
    """Raises TamperedFile unless `found` is the output that the lock of the project at `root` names.

    `found` is a file, or for a folder its files by their paths in it.
    """
    digest = files.digest(found, "md5") if isinstance(found, Path) else folder_md5(found)
    locked = _locked(root).get(output, "nothing")
    if digest != locked:
        raise TamperedFile(
            f"{output} as it was recorded has MD5 {digest[:12]}, and dvc.lock names {locked[:12]}: it was not used",
            next_step="MLflow holds something else than was computed: look at who writes there, then record again",
        )


def folder_md5(found: Mapping[str, Path]) -> str:
    """DVC's digest of a folder: of the list of its files, each with its path and its MD5."""
    listed = [{"md5": files.digest(path, "md5"), "relpath": name} for name, path in sorted(found.items())]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _locked(root: Path) -> dict[str, str]:
    lock = lock_text.parse((root / layout.LOCK).read_text(encoding="utf-8"), layout.LOCK)
    outs = (out for stage in (lock.get(STAGES) or {}).values() for out in stage.get("outs") or ())
    return {str(out["path"]): str(out.get("md5", "")) for out in outs}
