"""Which changed files are code, and in which order they are told."""

from __future__ import annotations

import pytest

from ratchet.core.change.code import is_code, parse_numstat
from ratchet.core.change.records import FileChange


def test_what_can_change_the_model_comes_first() -> None:
    """Sources and the pipeline stand before the rest, sorted by path; a file that is no text has no lines."""
    text = "3\t1\tMakefile\0-\t-\tsrc/flights/map.png\x0010\t0\tdvc.yaml\x000\t7\tsrc/a b.py\x002\t2\tdvc.lock\0"
    assert parse_numstat(text) == (
        FileChange(path="dvc.yaml", lines_added=10, lines_removed=0),
        FileChange(path="src/a b.py", lines_added=0, lines_removed=7),
        FileChange(path="src/flights/map.png", lines_added=None, lines_removed=None),
        FileChange(path="Makefile", lines_added=3, lines_removed=1),
    )


def test_nothing_changed_is_nothing() -> None:
    """Git prints nothing for two equal commits."""
    assert parse_numstat("") == ()


@pytest.mark.parametrize(
    "path",
    ["dvc.lock", "params.yaml", "data/raw/2013-07.dvc", "data/metrics/train.json", "requirements/run.txt",
     "docs/index.md", "tests/core/test_gate.py", "README.md"],
)  # fmt: skip
def test_what_other_parts_of_a_report_tell_is_no_code(path: str) -> None:
    """Data, parameters, locked packages, results, documents and tests are left out."""
    assert not is_code(path)


@pytest.mark.parametrize(
    "path", [".github/workflows/train.yaml", "src/ratchet/docs.md", "pyproject.toml", ".dvcignore"]
)
def test_code_is_code_wherever_it_lies(path: str) -> None:
    """Everything below src/ counts, and what builds and runs the project."""
    assert is_code(path)
