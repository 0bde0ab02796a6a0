"""Folders that servers pull models to: each has its own, and what a dead one left goes."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.serving.pull_folders import PullFolders

HOLD = """
import sys
from pathlib import Path
from ratchet.serving.pull_folders import PullFolders

with PullFolders(Path(sys.argv[1])).new() as place:
    print(place.path, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_server_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A server that lives keeps its folders, whatever its process id is to whoever sweeps; a dead one has none."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        held = Path(server.stdout.readline().rstrip())
        with PullFolders(tmp_path).new() as own:
            PullFolders(tmp_path).sweep()
            assert (held.is_dir(), own.path.is_dir()) == (True, True)
            server.kill()
            server.wait()
            PullFolders(tmp_path).sweep()
            assert (held.exists(), own.path.is_dir()) == (False, True)


def test_a_server_is_not_held_up_by_what_one_of_its_number_left(tmp_path: Path) -> None:
    """In a container the process has the same number after each start: what is there is swept, never in the way."""
    (tmp_path / "pull-1" / "0").mkdir(parents=True)
    folders = PullFolders(tmp_path)
    folders.sweep()
    with folders.new() as place:
        assert [*tmp_path.iterdir()] == [place.path]


def test_a_pull_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The folder goes with the block that failed; nobody else can look into one."""

    def pull() -> None:
        with PullFolders(tmp_path / "new").new() as place:
            assert place.path.stat().st_mode & 0o077 == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pull()
    assert [*(tmp_path / "new").iterdir()] == []


def test_without_locks_nothing_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that has none a server works all the same, and removes only what is its own."""

    def refuse(_target: int, _how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    left = tmp_path / "pull-1"
    left.mkdir()
    folders = PullFolders(tmp_path)
    folders.sweep()
    with folders.new() as place:
        assert {*tmp_path.iterdir()} == {left, place.path}
    place.remove()
    assert [*tmp_path.iterdir()] == [left]
