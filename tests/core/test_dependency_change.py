"""Locked packages that differ between two requirements files."""

from __future__ import annotations

from pathlib import Path

from ratchet.core.change.dependencies import dependency_changes, locked
from ratchet.core.change.records import DependencyChange

ROOT = Path(__file__).parents[2]

BASE = """
# made by a tool
--no-binary=:none:
numpy==2.1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via pandas
Old_Friend==1.0 --hash=sha256:cc
scipy==1.15 ; python_version < "3.12" \\
    --hash=sha256:dd
same==3 \\
    --hash=sha256:ee
"""
HEAD = """
numpy==2.2.0 \\
    --hash=sha256:ba
scipy==1.15 \\
    --hash=sha256:dd
same==3 \\
    --hash=sha256:ff
uvicorn[standard]==0.40
"""


def test_versions_markers_and_names_count_and_hashes_do_not() -> None:
    """Sorted by normalised name; a package that is new or gone has None on the other side."""
    assert dependency_changes(BASE, HEAD) == (
        DependencyChange(name="numpy", old="2.1.0", new="2.2.0"),
        DependencyChange(name="old-friend", old="1.0", new=None),
        DependencyChange(name="scipy", old='1.15 (python_version < "3.12")', new="1.15"),
        DependencyChange(name="uvicorn", old=None, new="0.40"),
    )


def test_a_package_with_a_version_per_platform_has_them_all() -> None:
    """Lines of one name for several markers are one package."""
    text = "colorama==0.4 ; sys_platform == 'win32'\ncolorama==0.3 ; sys_platform != 'win32'\n"
    assert locked(text) == {"colorama": "0.3 (sys_platform != 'win32'), 0.4 (sys_platform == 'win32')"}


def test_other_ways_to_name_a_package_are_kept_as_they_are() -> None:
    """A range and an address stand as they are written; a bare name is any version."""
    assert locked("a>=1,<2\nb @ file:///wheels/b.whl\nc\n") == {
        "a": ">=1,<2",
        "b": "@ file:///wheels/b.whl",
        "c": "any version",
    }


def test_every_package_of_the_projects_own_lock_is_read() -> None:
    """Every name that a line begins with is there, with nothing but versions and markers."""
    text = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    names = {line.split("==")[0].lower().replace("_", "-") for line in text.splitlines() if line[:1].isalnum()}
    packages = locked(text)
    assert packages.keys() == names
    assert [version for version in packages.values() if "--hash" in version or not version[0].isdigit()] == []
