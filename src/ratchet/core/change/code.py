"""Which files of code a change touched: what can change the model first, then what is around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from ratchet.core.change.records import FileChange

PIPELINE = "dvc.yaml"
UP = re.compile(r"^(\.\./)+")
"""How a path begins that leads out of the project."""
ELSEWHERE = ("dvc.lock", "params.yaml", "requirements", "data", "docs", "tests")
"""Files and folders that other parts of a report speak of (data, parameters, dependencies, results), or that run in
no pipeline and no workflow."""
DOCUMENTS = (".md", ".rst", ".txt")


def can_change_model(path: str) -> bool:
    """Whether a file of code takes part in computing the model: sources, and the pipeline itself.

    Sources that several projects share lie above the project.

    >>> [can_change_model(path) for path in ("src/room/features.py", "dvc.yaml", ".github/workflows/ci.yaml")]
    [True, True, False]
    >>> can_change_model("../../src/room/features.py")
    True
    """
    return path == PIPELINE or is_source(path)


def is_source(path: str) -> bool:
    """Whether a path, relative to the project, is a source: the project's own, or one that projects share.

    >>> [is_source(path) for path in ("src/room/features.py", "../../src/room/features.py", "docs/src/x.py")]
    [True, True, False]
    """
    return UP.sub("", path).startswith("src/")


def is_code(path: str) -> bool:
    """Whether a file is code: neither data, parameters, locked packages, results, documents nor tests.

    >>> [is_code(path) for path in ("Makefile", "data/raw/2013-07.dvc", "src/room/schema.yaml", "README.md")]
    [True, False, True, False]
    """
    if can_change_model(path):
        return True
    return PurePosixPath(path).parts[0] not in ELSEWHERE and PurePosixPath(path).suffix not in DOCUMENTS


def parse_numstat(text: str) -> tuple[FileChange, ...]:
    """Read what `git diff --numstat -z --no-renames` prints, code only.

    What can change the model comes first, each part sorted by path. Raises ValueError for text that is not of git.
    """
    changes = (change for change in _entries(text) if is_code(change.path))
    return tuple(sorted(changes, key=lambda change: (not can_change_model(change.path), change.path)))


def _entries(text: str) -> Iterator[FileChange]:
    for entry in filter(None, text.split("\0")):
        added, removed, path = entry.split("\t", 2)
        yield FileChange(path=path, lines_added=_lines(added), lines_removed=_lines(removed))


def _lines(count: str) -> int | None:
    """Git prints a dash for what is not text."""
    return None if count == "-" else int(count)
