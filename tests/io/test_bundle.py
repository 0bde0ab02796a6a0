"""An artifact of a stranger: what is read of it is one small plain file, and everything else is refused unread."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.io.bundle import LARGEST_MEMBER, LARGEST_YAML, LARGEST_ZIP, BundleRefused, read_bundle, read_yaml

GOOD = b'{"format": 1}'
Writer = Callable[[zipfile.ZipFile], object]


def packed(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """A real archive with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that stand twice
        for name, content in members:
            archive.writestr(name, content)
    return path


def of_type(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (mode | 0o644) << 16
    return info


def patched(path: Path, offset_of: bytes, offset: int, value: bytes) -> Path:
    """The archive with some bytes of its last record of this kind replaced."""
    content = bytearray(path.read_bytes())
    start = content.rindex(offset_of) + offset
    content[start : start + len(value)] = value
    path.write_bytes(content)
    return path


def test_the_one_file_is_read(tmp_path: Path) -> None:
    """What upload-artifact packs comes out as it went in, packed or stored."""
    assert read_bundle(packed(tmp_path / "a.zip", ("result.json", GOOD))) == GOOD
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr(of_type("result.json", stat.S_IFREG), GOOD)
    assert read_bundle(tmp_path / "b.zip") == GOOD


@pytest.mark.parametrize(
    "name",
    [
        "../result.json",
        "../../.github/workflows/report.yaml",
        "/etc/passwd",
        "/result.json",
        "C:\\result.json",
        "..\\result.json",
        "a/../result.json",
        "./result.json",
        "reports/result.json",
        "result.json/",
        "Result.json",
        "result.json ",
        "rеsult.json",  # its first e is Cyrillic
        "<img src=x onerror=alert(1)>.json",
        "a\n::set-output name=x::y",
    ],
)
def test_any_other_name_is_refused(tmp_path: Path, name: str) -> None:
    """Traversal, absolute and look-alike names are refused, and shown without anything that could act."""
    with pytest.raises(BundleRefused, match=r"only result\.json is read") as refusal:
        read_bundle(packed(tmp_path / "a.zip", (name, GOOD)))
    assert not set("<>\n\0\\") & set(refusal.value.message)
    assert "::" not in refusal.value.message
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_a_name_cut_by_a_null_byte_is_refused(tmp_path: Path) -> None:
    """A reader that stops at a null byte would take another name for ours."""
    path = packed(tmp_path / "a.zip", ("result.jsonX.exe", GOOD))
    path.write_bytes(path.read_bytes().replace(b"result.jsonX", b"result.json\0"))
    with pytest.raises(BundleRefused, match=r"only result\.json is read"):
        read_bundle(path)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
def test_only_a_plain_file_is_read(tmp_path: Path, mode: int) -> None:
    """A symbolic link, a folder or a device of the right name is refused."""
    with pytest.raises(BundleRefused, match="no plain file"):
        read_bundle(packed(tmp_path / "a.zip", (of_type("result.json", mode), b"/etc/passwd")))


@pytest.mark.parametrize(
    "members",
    [
        (),
        (("result.json", GOOD), ("result.json", GOOD)),
        (("result.json", GOOD), ("../x", GOOD)),
        tuple((f"{index}", b"") for index in range(500)),
    ],
    ids=["none", "the same name twice", "another beside it", "five hundred"],
)
def test_exactly_one_file_is_expected(tmp_path: Path, members: tuple[tuple[str, bytes], ...]) -> None:
    """More files, or none, are refused before any is opened."""
    with pytest.raises(BundleRefused, match="exactly one is expected"):
        read_bundle(packed(tmp_path / "a.zip", *members))


def test_of_several_models_each_has_its_file(tmp_path: Path) -> None:
    """The one that is asked for is read, whether or not the others are there."""
    both = packed(tmp_path / "a.zip", ("early/result.json", b"{}"), ("late/result.json", GOOD))
    assert read_bundle(both, "late/result.json", ["early/result.json"]) == GOOD
    alone = packed(tmp_path / "b.zip", ("late/result.json", GOOD))
    assert read_bundle(alone, "late/result.json", ["early/result.json"]) == GOOD


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("early/result.json",),
        ("late/result.json", "late/result.json"),
        ("late/result.json", "early/result.json", "early/result.json"),
        ("late/result.json", "result.json"),
        ("late/result.json", "lost/result.json"),
        ("late/result.json", "early/../early/result.json"),
    ],
    ids=" ".join,
)
def test_of_several_models_only_known_names_stand_once(tmp_path: Path, names: tuple[str, ...]) -> None:
    """A file that no model has, one that stands twice, or none of the model that is asked for: all is refused."""
    path = packed(tmp_path / "a.zip", *((name, GOOD) for name in names))
    with pytest.raises(BundleRefused):
        read_bundle(path, "late/result.json", ["early/result.json"])


def test_a_bomb_that_declares_its_size_is_refused(tmp_path: Path) -> None:
    """Fifty megabytes in fifty kilobytes are refused by what the archive says of itself."""
    path = packed(tmp_path / "a.zip", ("result.json", b"\0" * 50_000_000))
    assert path.stat().st_size < LARGEST_ZIP
    with pytest.raises(BundleRefused, match="says it has 50,000,000 bytes"):
        read_bundle(path)


@pytest.mark.parametrize("claimed", [5, LARGEST_MEMBER])
def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path, claimed: int) -> None:
    """What an archive says of itself is a claim: no more than that comes out, and then it does not fit."""
    path = packed(tmp_path / "a.zip", ("result.json", b" " * 50_000_000))
    patched(path, b"PK\x01\x02", 24, struct.pack("<I", claimed))
    with pytest.raises(BundleRefused, match=r"no readable zip|and says"):
        read_bundle(path)


def test_a_file_that_promises_more_than_it_has_is_refused(tmp_path: Path) -> None:
    """Less than declared is not the file that was packed either."""
    path = packed(tmp_path / "a.zip", ("result.json", GOOD))
    patched(path, b"PK\x01\x02", 24, struct.pack("<I", 1000))
    with pytest.raises(BundleRefused, match="says it has 1,000"):
        read_bundle(path)


def test_a_large_archive_is_refused_unopened(tmp_path: Path) -> None:
    """The size of the archive itself has a limit, whatever is in it."""
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK" + b"x" * LARGEST_ZIP)
    with pytest.raises(BundleRefused, match="at most 100,000 are read"):
        read_bundle(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_artifacts_never_use_are_refused(tmp_path: Path, method: int) -> None:
    """The fewer unpackers a stranger can reach, the better."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("result.json", GOOD)
    with pytest.raises(BundleRefused, match="packed by a method"):
        read_bundle(tmp_path / "a.zip")


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    """Nobody here has a password."""
    path = patched(packed(tmp_path / "a.zip", ("result.json", GOOD)), b"PK\x01\x02", 8, struct.pack("<H", 1))
    with pytest.raises(BundleRefused, match="encrypted"):
        read_bundle(path)


def test_two_headers_that_disagree_are_refused(tmp_path: Path) -> None:
    """A zip has each name twice; if they differ, readers do not agree on what is in it."""
    path = packed(tmp_path / "a.zip", ("result.json", GOOD))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"result.json", b"../../.json", 1))
    with pytest.raises(BundleRefused, match="no readable zip"):
        read_bundle(path)


def test_damaged_content_is_refused(tmp_path: Path) -> None:
    """A checksum that does not fit means that something is not what was packed."""
    path = packed(tmp_path / "a.zip", (of_type("result.json", stat.S_IFREG), GOOD))
    path.write_bytes(path.read_bytes().replace(b'"format"', b'"FORMAT"', 1))
    with pytest.raises(BundleRefused, match="no readable zip"):
        read_bundle(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(cut=st.integers(0, 200), place=st.integers(0, 200), value=st.binary(min_size=1, max_size=4))
def test_no_damage_crashes_the_reader(tmp_path: Path, cut: int, place: int, value: bytes) -> None:
    """A truncated or overwritten archive is refused, or still gives a small file."""
    content = bytearray(packed(tmp_path / "a.zip", ("result.json", GOOD)).read_bytes())
    content[place : place + len(value)] = value
    (tmp_path / "b.zip").write_bytes(content[: len(content) - cut] if cut < 20 else content)
    with suppress(BundleRefused):
        assert len(read_bundle(tmp_path / "b.zip")) <= LARGEST_MEMBER


def test_plain_yaml_is_read() -> None:
    """A params.yaml as people write it comes out as a mapping."""
    assert read_yaml("gate:\n  alpha: 0.1 # ten percent\n") == {"gate": {"alpha": 0.1}}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "- a\n- b\n",
        "a: &x [1]\nb: *x\n",
        "a: &x 1\n",
        "a: !!python/object/apply:os.system ['true']\n",
        "a: [\n",
        "a: {[1, 2]: 3}\n",
        "[" * 5000,
        "x" * (LARGEST_YAML + 1),
        "a: \x00\n",
        "a: 2026-99-99\n",
        "? {a: 1}\n: b\n",
    ],
)
def test_other_yaml_is_nothing(text: str | None) -> None:
    """References, depth, size, tags and anything that is no mapping make it unreadable, never a crash."""
    assert read_yaml(text) is None


def test_a_billion_laughs_are_nothing() -> None:
    """References to references would fill memory once something walks over them."""
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert read_yaml("\n".join(lines)) is None


@given(st.text(max_size=200))
def test_no_text_crashes_the_yaml_reader(text: str) -> None:
    """Whatever stands in the file, a mapping comes out, or nothing."""
    assert isinstance(read_yaml(text), dict | None)
