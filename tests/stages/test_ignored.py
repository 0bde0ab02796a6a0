"""What DVC must not see."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

ROOT = Path(__file__).resolve().parents[2]


def test_bytecode_is_no_dependency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing a room leaves bytecode beside it, and the digest of the room stays what it was."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    project, room = tmp_path / "project", tmp_path / "project" / "src" / "room"
    room.mkdir(parents=True)
    (room / "features.py").write_text("A = 1\n", encoding="utf-8")
    shutil.copyfile(ROOT / ".dvcignore", project / ".dvcignore")
    Repo.init(str(project), no_scm=True).close()

    def seen() -> list[str]:
        with Repo(str(project)) as repo:
            return sorted(Path(path).name for path in repo.dvcignore.find(repo.fs, str(room)))

    assert seen() == ["features.py"]
    (room / "__pycache__").mkdir()
    (room / "__pycache__" / "features.cpython-311.pyc").write_bytes(b"\0")
    assert seen() == ["features.py"]


def test_where_a_batch_came_from_is_no_dependency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record beside a batch is git's: writing it makes no stage run again."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    project = tmp_path / "project"
    raw = project / "data" / "raw"
    (raw / "2013-07").mkdir(parents=True)
    (raw / "2013-07" / "rows.parquet").write_bytes(b"rows")
    (raw / "2013-07.source.json").write_text("{}\n", encoding="utf-8")
    shutil.copyfile(ROOT / ".dvcignore", project / ".dvcignore")
    Repo.init(str(project), no_scm=True).close()
    with Repo(str(project)) as repo:
        assert [Path(path).name for path in repo.dvcignore.find(repo.fs, str(raw))] == ["rows.parquet"]
