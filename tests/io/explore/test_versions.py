"""What a page is made with."""

from __future__ import annotations

from pathlib import Path

from ratchet.io.explore.versions import versions_digest
from ratchet.io.files import write_text


def test_digest_follows_the_room_and_nothing_beside_it(tmp_path: Path) -> None:
    """Another feature function is another digest; a note beside the code is not."""
    code = tmp_path / "src" / "room" / "features.py"
    write_text(code, "one = 1\n")
    first = versions_digest(tmp_path, "room")
    write_text(code.with_name("notes.txt"), "a note")
    assert versions_digest(tmp_path, "room") == first
    write_text(code, "one = 2\n")
    assert versions_digest(tmp_path, "room") != first
