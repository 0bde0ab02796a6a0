"""An environment of the packages that a commit has locked, made by uv in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ratchet.errors import ServiceFailed, UsageError

HASH = "--hash=sha256:"


def locked_python(lock: Path, folder: Path) -> Path:
    """Install what `lock` names into a new environment in `folder`; returns its Python.

    Raises UsageError if the lock is not there or does not name the hash of each package, ServiceFailed if uv fails.
    """
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    if HASH not in text:
        raise UsageError(
            f"{lock.name} of that commit {'has no hashes' if text else 'is not there'}: anything could be installed",
            next_step="leave --environment out: today's environment is taken",
        )
    uv = shutil.which("uv")
    if uv is None:
        raise UsageError("uv is not here, which makes environments", next_step="pip install uv, or no --environment")
    python = folder / "bin" / "python"
    _run([uv, "venv", "--quiet", str(folder)])
    _run([uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "--requirement", str(lock)])
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ServiceFailed(f"uv could not make the environment of that commit: {words}", next_step="mend what uv says")
