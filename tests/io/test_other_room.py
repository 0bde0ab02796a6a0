"""Features as an older room makes them, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ratchet.errors import DataRefused
from ratchet.io.files import write_text
from ratchet.io.other_room import other_features, same_room

ROOM = """
def build(rows, lookups):
    return rows[["x"]].assign(twice=rows["x"] * 2, most=lookups["limits"]["most"].max())
"""
ROWS = pd.DataFrame({"x": [1.0, 2.0]})
LIMITS = {"limits": pd.DataFrame({"most": [7.0, 9.0]})}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that holds an older room, as a champion's does."""
    write_text(tmp_path / "src" / "older" / "__init__.py", "")
    write_text(tmp_path / "src" / "older" / "features.py", ROOM)
    return tmp_path


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_older_room_makes_its_own_features_and_leaves_no_trace(home: Path) -> None:
    """Its `build` is called with the rows and lookups, and the sealed folder holds no file more than before."""
    before = files_of(home)
    expected = pd.DataFrame({"x": [1.0, 2.0], "twice": [2.0, 4.0], "most": [9.0, 9.0]})
    pd.testing.assert_frame_equal(other_features(home, "older", ROWS, LIMITS), expected)
    assert files_of(home) == before


def test_rows_that_the_older_room_cannot_read_are_refused(home: Path) -> None:
    """A column it needs is gone: its last words are in the refusal."""
    with pytest.raises(DataRefused, match=r"that this model was trained with cannot read these rows: KeyError"):
        other_features(home, "older", ROWS.rename(columns={"x": "y"}), LIMITS)


def test_rooms_are_the_same_where_their_code_and_schema_are(home: Path) -> None:
    """Other files do not count; another byte, name or file of code does, and so does the schema."""
    one, other = home / "src" / "older", home / "copy"
    for name in ("__init__.py", "features.py"):
        write_text(other / name, (one / name).read_text(encoding="utf-8"))
    write_text(other / "notes.md", "Remember the milk.\n")
    assert same_room(one, other)
    write_text(other / "schema.yaml", "rows: {}\n")
    assert not same_room(one, other)
    (other / "schema.yaml").unlink()
    write_text(other / "deep" / "more.py", "")
    assert not same_room(one, other)
    (other / "deep" / "more.py").unlink()
    write_text(other / "features.py", ROOM + "\n")
    assert not same_room(one, other)
