"""Which code made something."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ratchet.io import code
from ratchet.io.code import COMPUTE, code_digest, library_versions
from ratchet.io.files import write_text


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `den` with two modules, of which one is loaded."""
    for name in ("__init__", "used", "unused"):
        write_text(tmp_path / "den" / f"{name}.py", "x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("den.used")
    yield tmp_path / "den"
    for name in [name for name in sys.modules if name.split(".")[0] == "den"]:
        del sys.modules[name]


def test_the_digest_follows_the_source_that_is_loaded(package: Path) -> None:
    """A changed byte of a loaded module changes it; a module that is not loaded does not."""
    before = code_digest("den")
    write_text(package / "unused.py", "x = 2\n")
    unused = code_digest("den")
    write_text(package / "used.py", "x = 2\n")
    assert (before == unused, before == code_digest("den")) == (True, False)


def test_only_the_named_packages_count(package: Path) -> None:
    """Another package's code, also one whose name begins alike, makes no difference."""
    before = code_digest("de")
    write_text(package / "used.py", "x = 2\n")
    assert code_digest("de") == before
    assert code_digest("den") != before


def test_the_digest_follows_the_libraries_that_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of one of them may write other bytes."""
    before = code_digest("den")
    other: Callable[[], dict[str, str]] = lambda: library_versions() | {"numpy": "0"}  # noqa: E731  # a typed stand-in
    monkeypatch.setattr(code, "library_versions", other)
    assert code_digest("den") != before


def test_every_library_that_computes_has_its_version() -> None:
    """They are the installed ones."""
    import numpy as np

    versions = library_versions()
    assert (tuple(versions), versions["numpy"]) == (COMPUTE, np.__version__)
