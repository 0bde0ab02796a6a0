"""Which locked packages differ between two versions of a requirements file with hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ratchet.core.change.records import DependencyChange

LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?P<version>(?:@|===|==|~=|!=|<=|>=|<|>)[^;]*?)?\s*"
    r"(?:;\s*(?P<marker>.*?))?"
)
"""One requirement without its options: a name, extras, what pins it, and where it applies."""
OPTION = re.compile(r"\s--?[A-Za-z].*$")
COMMENT = re.compile(r"(^|\s)#.*$")


def dependency_changes(base: str, head: str) -> tuple[DependencyChange, ...]:
    r"""Compare two requirements files by package name; sorted by name.

    Only versions and markers count: another set of hashes for the same version is the same package in more formats.

    >>> dependency_changes("numpy==2.1 \\\n    --hash=sha256:aa\n", "numpy==2.2 \\\n    --hash=sha256:bb\n")
    (DependencyChange(name='numpy', old='2.1', new='2.2'),)
    """
    old, new = locked(base), locked(head)
    return tuple(
        DependencyChange(name=name, old=old.get(name), new=new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def locked(text: str) -> dict[str, str]:
    """The packages of a requirements file by normalised name: the version, and in brackets where it applies.

    A package that stands there once for each platform has all its versions, separated by commas.

    >>> locked('Typing_Extensions==4.15 ; python_version < "3.13"  # via pydantic')
    {'typing-extensions': '4.15 (python_version < "3.13")'}
    """
    found: dict[str, set[str]] = {}
    for name, version in _requirements(text):
        found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _requirements(text: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        bare = OPTION.sub("", COMMENT.sub("", line)).strip()
        if match := LINE.fullmatch(bare):
            version = (match["version"] or "any version").removeprefix("==").strip()
            yield _normalised(match["name"]), f"{version} ({match['marker']})" if match["marker"] else version


def _normalised(name: str) -> str:
    """One spelling of a package's name, as the packaging standard (PEP 503) has it."""
    return re.sub(r"[-_.]+", "-", name).lower()
