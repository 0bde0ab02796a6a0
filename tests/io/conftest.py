"""Git and DVC that know nothing of the machine they run on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.io.git import LOCATORS, git

MakeRepository = Callable[[str], Path]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test, with nobody's settings but a name for commits."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text("[user]\n\tname = Test\n\temail = test@localhost\n", encoding="utf-8")
    for name in (*LOCATORS, "GIT_CONFIG_GLOBAL", "MLFLOW_TRACKING_URI", "DVC_REMOTE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(home / name.lower()))
    return home


@pytest.fixture
def repository(tmp_path: Path) -> MakeRepository:
    """Makes a repository with one commit of one file, by its name."""

    def make(name: str) -> Path:
        root = tmp_path / name
        root.mkdir()
        git(["init", "--quiet", "-b", "main"], cwd=root)
        (root / "code.py").write_text("x = 1\n", encoding="utf-8")
        git(["add", "-A"], cwd=root)
        git(["commit", "--quiet", "-m", "first"], cwd=root)
        return root

    return make
