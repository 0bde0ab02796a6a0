"""An environment of the packages that a commit has locked, made by uv in a folder of its own."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

from ratchet.errors import ServiceFailed, UsageError

HASH = "--hash=sha256:"
OTHERWISE = "leave --environment out: today's environment is taken"
BESIDES = ("warning:", "hint:")
"""What uv says that is no error."""


def locked_python(lock: Path, python: str, folder: Path) -> Path:
    """Install what `lock` names into a new environment in `folder`; returns its Python.

    `python` is what the environment is to be of, such as 'CPython 3.11.7'. No other is taken, and none is fetched.
    Raises UsageError if the lock is not there or does not name the hash of each package, or if uv or that Python are
    not here; ServiceFailed if uv fails: a file is gone from the registry, or is not the one that was locked.
    """
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    if HASH not in text:
        raise UsageError(
            f"{lock.name} of that commit {'has no hashes' if text else 'is not there'}: anything could be installed",
            next_step=OTHERWISE,
        )
    uv = _uv()
    _make([uv, "venv", "--quiet", "--no-python-downloads", "--python", _base(uv, python), str(folder)])
    found = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _make([uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(found), "--requirement", str(lock)])
    return found


def _uv() -> str:
    """Beside this Python, where `make setup` puts it, or on the path."""
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if uv is None:
        raise UsageError(
            "uv, which makes environments, is not here",
            next_step=f"pip install --require-hashes -r requirements/uv.txt; or {OTHERWISE}",
        )
    return uv


def _base(uv: str, python: str) -> str:
    """A Python of that name and version. Raises UsageError."""
    if python == f"{platform.python_implementation()} {platform.python_version()}":
        return sys.executable
    asked = python.lower().replace(" ", "@")
    done = _run([uv, "python", "find", "--no-python-downloads", "--no-project", asked])
    if done.returncode != 0:
        raise UsageError(
            f"{python}, in which the version was made, is not here: this is {platform.python_version()}",
            next_step=f"uv python install {asked}; or {OTHERWISE}",
        )
    return done.stdout.strip()


def _make(command: list[str]) -> None:
    done = _run(command)
    if done.returncode == 0:
        return
    words = _error(done.stderr)
    if "hash mismatch" in words.lower():
        raise ServiceFailed(
            f"the registry has another file than was locked, and it was not installed: {words}",
            next_step=f"find out who changed it; a folder that UV_FIND_LINKS names may have the file; or {OTHERWISE}",
        )
    raise ServiceFailed(
        f"the environment of that commit could not be made: {words}",
        next_step="if a file is gone from the registry, put it into a folder and name that in UV_FIND_LINKS; "
        f"or {OTHERWISE}",
    )


def _error(said: str) -> str:
    """Uv's error with its causes, in one line."""
    parts = [part.strip() for part in said.splitlines() if part.strip()]
    start = next((place for place, part in enumerate(parts) if part.startswith("error:")), 0)
    end = next((at for at, part in enumerate(parts) if at > start and part.startswith(BESIDES)), len(parts))
    return " ".join(parts[start:end]).removeprefix("error:").replace(" cause:", ":").strip() or "uv said nothing"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
