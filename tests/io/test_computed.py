"""Entries of a lock that nobody computed are not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.computed import digests, doubtful
from ratchet.errors import UsageError
from ratchet.io.computed import distrust, remember

ENTRIES = st.dictionaries(st.sampled_from("abcd"), st.dictionaries(st.text(max_size=3), st.integers()))


@given(ENTRIES, ENTRIES)
def test_exactly_what_was_not_computed_is_doubted(computed: dict[str, Any], found: dict[str, Any]) -> None:
    """An entry is believed if and only if it is the one that was computed."""
    expected = [name for name, entry in found.items() if name not in computed or computed[name] != entry]
    assert list(doubtful(found, digests(computed))) == expected


def lock(**outs: str) -> str:
    """A lock with one output a stage."""
    return yaml.safe_dump({"schema": "2.0", "stages": {name: {"outs": [out]} for name, out in outs.items()}})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose two stages were computed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "dvc.lock").write_text(lock(train="one", gate="one"), encoding="utf-8")
    remember(tmp_path)
    return tmp_path


def test_a_lock_as_it_was_computed_is_believed(root: Path) -> None:
    """Nothing is taken out, and the file is not touched."""
    before = (root / "dvc.lock").stat()
    assert (distrust(root), (root / "dvc.lock").stat().st_mtime_ns) == ((), before.st_mtime_ns)


def test_an_entry_that_was_not_computed_is_taken_out(root: Path) -> None:
    """The others stay, and so does what else is in the lock."""
    (root / "dvc.lock").write_text(lock(train="one", gate="two"), encoding="utf-8")
    assert distrust(root) == ("gate",)
    assert (root / "dvc.lock").read_text(encoding="utf-8") == yaml.safe_dump(
        {"schema": "2.0", "stages": {"train": {"outs": ["one"]}}}, sort_keys=False
    )


def test_a_project_without_digests_is_believed(root: Path) -> None:
    """Whoever runs DVC alone has no such file."""
    (root / "data" / "computed.yaml").unlink()
    (root / "dvc.lock").write_text(lock(train="two"), encoding="utf-8")
    assert distrust(root) == ()


def test_a_file_with_marks_of_a_merge_is_refused(root: Path) -> None:
    """It is named, and nothing is taken out of the lock."""
    (root / "data" / "computed.yaml").write_text("<<<<<<< ours\nstages: {}\n=======\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"data/computed\.yaml is not valid YAML"):
        distrust(root)
    assert (root / "dvc.lock").read_text(encoding="utf-8") == lock(train="one", gate="one")
