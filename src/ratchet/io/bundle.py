"""A stranger's artifact: a zip with one small file for each model, read without unpacking it anywhere.

Every number in a zip is a claim of whoever made it. What it declares is checked first, and what comes out is counted.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import yaml

from ratchet.core.fork.hostile_text import shown
from ratchet.errors import DataRefused

MEMBER = "result.json"
LARGEST_ZIP = 100_000
"""Bytes of the archive; a result has about 2,000."""
LARGEST_MEMBER = 64_000
"""Bytes of a file in it."""
LARGEST_YAML = 64_000
"""Characters of a params.yaml; ours has about 2,000."""
DEEPEST_YAML = 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library's reader raises, one or the other, for bytes that are not what they should be."""


class BundleRefused(DataRefused):
    """The archive is not what an artifact of ours looks like; nothing of it was used."""


def member_of(model: str = "") -> str:
    """The name of a model's file in the archive; a model that is the whole repository needs no folder.

    >>> member_of(), member_of("late")
    ('result.json', 'late/result.json')
    """
    return f"{model}/{MEMBER}" if model else MEMBER


def read_bundle(path: Path, wanted: str = MEMBER, beside: Collection[str] = ()) -> bytes:
    """The content of the file called `wanted` in the archive at `path`.

    Raises BundleRefused unless the archive holds it once, all its other files are called as in `beside`, each at most
    once, and all are plain and small.
    """
    if (found := path.stat().st_size) > LARGEST_ZIP:
        raise _refused(f"it has {found:,} bytes, at most {LARGEST_ZIP:,} are read")
    try:
        # From memory: in a file, a position that cannot be is an error of the system, as a broken disk is.
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            return _content(archive, _member(archive.infolist(), wanted, beside))
    except UNREADABLE as error:
        raise _refused(f"it is no readable zip: {shown(str(error))}") from error


def read_yaml(text: str | None) -> dict[str, object] | None:
    """A stranger's YAML as a mapping, or None if it is none, is too large or deep, or repeats itself by reference.

    References make a few lines as large as memory, once something walks over them.
    """
    if text is None or len(text) > LARGEST_YAML:
        return None
    try:
        if not _plain(text):
            return None
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _member(members: list[zipfile.ZipInfo], wanted: str, beside: Collection[str]) -> zipfile.ZipInfo:
    if not beside and len(members) != 1:
        raise _refused(f"it holds {len(members):,} files, and exactly one is expected: {wanted}")
    known = {wanted, *beside}
    for member in members:
        _check(member, known)
    found = [member for member in members if member.filename == wanted]
    if len(found) != 1 or len(members) > len(known):
        raise _refused(f"it holds {len(found):,} files called {wanted} among {len(members):,}, and one is expected")
    return found[0]


def _check(member: zipfile.ZipInfo, known: Collection[str]) -> None:
    # The name as it stands in the archive: a reader may cut it at a null byte.
    if member.filename not in known or member.orig_filename != member.filename:
        raise _refused(f"its file is called {shown(member.orig_filename)}, and only {', '.join(sorted(known))} is read")
    mode = stat.S_IFMT(member.external_attr >> 16)
    if mode not in (0, stat.S_IFREG):
        raise _refused(f"{member.filename} is no plain file (its type is {mode:o})")
    if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
        raise _refused(f"{member.filename} is encrypted, or packed by a method that is not read")
    if member.file_size > LARGEST_MEMBER:
        raise _refused(f"{member.filename} says it has {member.file_size:,} bytes, at most {LARGEST_MEMBER:,} are read")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        content = file.read(LARGEST_MEMBER + 1)
        if len(content) > LARGEST_MEMBER:
            raise _refused(f"{member.filename} has more than the {LARGEST_MEMBER:,} bytes that are read")
    if len(content) != member.file_size:
        raise _refused(f"{member.filename} has {len(content):,} bytes and says it has {member.file_size:,}")
    return content


def _plain(text: str) -> bool:
    """Whether the text holds no anchors and references, and is not too deep."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return False
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_YAML:
            return False
    return True


def _refused(rule: str) -> BundleRefused:
    return BundleRefused(
        f"the artifact of the fork's run is refused: {rule}",
        next_step="nothing of it is shown; let a maintainer run the change from a branch of this repository",
    )
