"""An environment is made only of what a lock names with its hashes, in the Python that was recorded."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ratchet.errors import RatchetError, ServiceFailed, UsageError
from ratchet.io.locked_environment import locked_python

HERE = f"{platform.python_implementation()} {platform.python_version()}"
WHEEL = "toolbox-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one number, in the only place where uv looks."""
    path = tmp_path / "wheels" / WHEEL
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toolbox.py", "NUMBER = 7\n")
        about = "toolbox-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: toolbox\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    for name, value in (("FIND_LINKS", path.parent), ("OFFLINE", 1), ("CACHE_DIR", tmp_path / "cache")):
        monkeypatch.setenv(f"UV_{name}", str(value))
    return path


def lock_of(wheel: Path, *, version: str = "1.0", digest: str = "") -> Path:
    """A lock beside the folder of wheels."""
    lock = wheel.parents[1] / "run.txt"
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock.write_text(f"toolbox=={version} --hash=sha256:{digest}\n", encoding="utf-8")
    return lock


def refusal(lock: Path, python: str = HERE) -> RatchetError:
    with pytest.raises(RatchetError) as error:
        locked_python(lock, python, lock.parent / "venv")
    return error.value


def test_what_is_locked_is_installed_and_nothing_else(wheel: Path) -> None:
    """The Python that comes back has the package, the recorded version, and none of this environment's packages."""
    python = locked_python(lock_of(wheel), HERE, wheel.parents[1] / "venv")
    script = "import platform, toolbox; print(toolbox.NUMBER, platform.python_version()); import numpy"
    done = subprocess.run([str(python), "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == f"7 {platform.python_version()}\n"
    assert "No module named 'numpy'" in done.stderr


@pytest.mark.parametrize(("text", "words"), [(None, "is not there"), ("numpy==2.2.0\n", "has no hashes")])
def test_a_lock_without_hashes_installs_nothing(tmp_path: Path, text: str | None, words: str) -> None:
    """Whoever holds the registry could put anything there; the environment's folder is not even made."""
    if text is not None:
        (tmp_path / "run.txt").write_text(text, encoding="utf-8")
    error = refusal(tmp_path / "run.txt")
    assert isinstance(error, UsageError)
    assert words in error.message
    assert not (tmp_path / "venv").exists()


def test_another_file_than_was_locked_is_not_installed(wheel: Path) -> None:
    """It is said that the registry's file is another, with both digests."""
    error = refusal(lock_of(wheel, digest="0" * 64))
    assert isinstance(error, ServiceFailed)
    assert "another file than was locked" in error.message
    assert "0" * 64 in error.message
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in error.message


def test_a_file_that_is_gone_is_named_and_can_be_brought(wheel: Path) -> None:
    """The package is named, and where to put its file."""
    error = refusal(lock_of(wheel, version="2.0"))
    assert isinstance(error, ServiceFailed)
    assert "toolbox==2.0" in error.message
    assert "hint" not in error.message
    assert "UV_FIND_LINKS" in str(error)


def test_another_python_is_not_taken_instead(wheel: Path) -> None:
    """Its version is named, and how it is installed; none is fetched."""
    error = refusal(lock_of(wheel), "CPython 3.11.99")
    assert isinstance(error, UsageError)
    assert "CPython 3.11.99, in which the version was made, is not here" in error.message
    assert "uv python install cpython@3.11.99" in str(error)
    assert not (wheel.parents[1] / "venv").exists()


def test_without_uv_it_is_said_where_it_comes_from(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside this Python nor on the path: a way to install it, and the way without."""
    monkeypatch.setattr(sys, "executable", str(wheel.parent / "python"))
    monkeypatch.setenv("PATH", "")
    error = refusal(lock_of(wheel))
    assert isinstance(error, UsageError)
    assert "requirements/uv.txt" in str(error)
    assert "leave --environment out" in str(error)
