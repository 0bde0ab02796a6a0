"""The manifest of an output folder and the journal beside it: what a killed run made is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.core.manifest import Unit
from ratchet.io.batches import UnitStore
from ratchet.io.unit_manifest import JOURNAL, MANIFEST, UnitManifest

ONE, TWO = Unit(key="1", files={"out.txt": "aa"}), Unit(key="2", files={"out.txt": "bb"})


@pytest.fixture
def manifest(tmp_path: Path) -> UnitManifest:
    """A run that keeps unit `a` and has made `b`, and was killed."""
    found = UnitManifest(tmp_path)
    found.begin({"a": ONE})
    found.append("b", TWO)
    return found


def test_what_a_killed_run_made_counts(manifest: UnitManifest) -> None:
    """The journal is read with the manifest, which alone does not know the unit."""
    assert dict(manifest.read().units) == {"a": ONE, "b": TWO}
    assert "bb" not in (manifest.folder / MANIFEST).read_text(encoding="utf-8")


def test_a_line_that_was_cut_off_does_not_count(manifest: UnitManifest) -> None:
    """What was written before it does."""
    with (manifest.folder / JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write('{"name":"c","unit":{"key":"3","fi')
    assert sorted(manifest.read().units) == ["a", "b"]


def test_the_next_run_takes_the_journal_in(manifest: UnitManifest) -> None:
    """It is in the manifest then, and gone; nothing of it is made again."""
    manifest.begin(manifest.read().units)
    assert not (manifest.folder / JOURNAL).exists()
    assert dict(manifest.read().units) == {"a": ONE, "b": TWO}


def test_the_end_of_a_run_is_all_there_is(manifest: UnitManifest) -> None:
    """A unit that is not named any more does not come back from the journal."""
    manifest.end({"a": ONE})
    assert dict(manifest.read().units) == {"a": ONE}
    assert sorted(path.name for path in manifest.folder.iterdir()) == [MANIFEST]


def test_a_forgotten_unit_of_a_killed_run_stays_forgotten(manifest: UnitManifest) -> None:
    """Whoever takes it out of the store takes it out of the journal too."""
    UnitStore(manifest.folder).forget(["b"])
    assert dict(manifest.read().units) == {"a": ONE}
