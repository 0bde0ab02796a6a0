"""An environment is made only of what a lock names with its hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.errors import UsageError
from ratchet.io.locked_environment import locked_python


@pytest.mark.parametrize(("text", "words"), [(None, "is not there"), ("numpy==2.2.0\n", "has no hashes")])
def test_a_lock_without_hashes_installs_nothing(tmp_path: Path, text: str | None, words: str) -> None:
    """Whoever holds the registry could put anything there; the environment's folder is not even made."""
    if text is not None:
        (tmp_path / "run.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        locked_python(tmp_path / "run.txt", tmp_path / "venv")
    assert not (tmp_path / "venv").exists()
