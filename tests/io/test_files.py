"""Files are whole or not there, also when the disk is full."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.errors import ServiceFailed
from ratchet.io import files


def failing(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_digest_is_the_sha_256_of_the_bytes(tmp_path: Path) -> None:
    """Also for a file that is read in several pieces."""
    data = b"x" * (2 * files.CHUNK + 1)
    (tmp_path / "data").write_bytes(data)
    assert files.digest(tmp_path / "data") == hashlib.sha256(data).hexdigest()


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    """Folders on the way are made, and nothing but the file is left."""
    files.write_text(tmp_path / "a" / "b.txt", "ü\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "ü\n".encode()
    assert names(tmp_path) == ["a", "b.txt"]


@given(value=st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers() | st.none()))
def test_json_has_the_same_bytes_for_the_same_value(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, int | None]
) -> None:
    """The order in which keys were set does not show."""
    folder = tmp_path_factory.mktemp("json")
    files.write_json(folder / "one", value)
    files.write_json(folder / "other", dict(reversed(value.items())))
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()


def test_json_never_holds_nan(tmp_path: Path) -> None:
    """What other readers could not read is not written, and no half file is left."""
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_json(tmp_path / "x.json", {"auc": float("nan")})
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_while_writing_leaves_the_old_file(tmp_path: Path, number: int) -> None:
    """The writer stops in the middle: the file is what it was, and nothing half written stays."""
    path = tmp_path / "kept.txt"
    path.write_text("old", encoding="utf-8")

    def writer(half: Path) -> None:
        half.write_text("half of the n", encoding="utf-8")
        raise failing(number)

    with pytest.raises(ServiceFailed, match=r"the disk is full: .*kept\.txt was not written"):
        files.write(path, writer)
    assert (path.read_text(encoding="utf-8"), names(tmp_path)) == ("old", ["kept.txt"])


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_full_disk_at_the_last_step_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Even where flushing or renaming fails, the file is what it was."""
    path = tmp_path / "kept.json"
    files.write_json(path, {"old": True})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise failing(errno.ENOSPC)

    monkeypatch.setattr(os, step, full)
    with pytest.raises(ServiceFailed, match="the disk is full"):
        files.write_json(path, {"old": False})
    assert (path.read_bytes(), names(tmp_path)) == (before, ["kept.json"])


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, number: int) -> None:
    """No right to write is an outside failure with the path and the reason."""

    def writer(_: Path) -> None:
        raise failing(number)

    with pytest.raises(ServiceFailed) as failed:
        files.write(tmp_path / "x", writer)
    assert failed.value.message == f"{tmp_path / 'x'} cannot be written: {os.strerror(number)}"


def test_another_error_stays_what_it_is(tmp_path: Path) -> None:
    """A crash is not taken for a full disk."""

    def writer(_: Path) -> None:
        raise failing(errno.EIO)

    with pytest.raises(OSError, match="Input/output error"):
        files.write(tmp_path / "x", writer)


def test_a_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Nothing of the old content is left."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("", encoding="utf-8")
    with files.new_folder(tmp_path / "out") as half:
        (half / "fresh").write_text("", encoding="utf-8")
        assert names(tmp_path / "out") == ["stale"]
    assert names(tmp_path) == ["fresh", "out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("stop")], ids=["interrupt", "error"])
def test_a_folder_whose_filling_fails_is_not_there(tmp_path: Path, error: BaseException) -> None:
    """The old folder stays as it was, and the half one is removed."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("", encoding="utf-8")

    def fill() -> None:
        with files.new_folder(tmp_path / "out") as half:
            (half / "new").write_text("", encoding="utf-8")
            raise error

    with pytest.raises(type(error)):
        fill()
    assert names(tmp_path) == ["old", "out"]


def test_a_full_disk_while_a_folder_is_filled_is_said(tmp_path: Path) -> None:
    """The message names the folder that was to be written."""

    def fill() -> None:
        with files.new_folder(tmp_path / "out"):
            raise failing(errno.ENOSPC)

    with pytest.raises(ServiceFailed, match=r"the disk is full: .*out was not written"):
        fill()
    assert names(tmp_path) == []


def test_a_sweep_removes_what_was_left_half_written_and_nothing_else(tmp_path: Path) -> None:
    """Half-written files and folders go at any depth; everything else stays."""
    for path in ("keep.txt", "a/keep.txt", "a/.writing-12-x", ".writing-34-b/c.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("", encoding="utf-8")
    files.sweep(tmp_path)
    assert names(tmp_path) == ["a", "keep.txt", "keep.txt"]
