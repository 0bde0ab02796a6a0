"""The digest of the code that decides: another one where decisions may be others, and only there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from ratchet.io.rules import CORE, DECIDING, deciding, digest

DVC = yaml.safe_load((CORE.parents[2] / "dvc.yaml").read_text(encoding="utf-8"))
CARRIED = {
    "__init__.py", "alpha_ledger.py", "chain.py", "decision.py", "deliveries.py", "findings.py", "freeze.py",
    "manifest.py", "model_record.py", "params.py", "phases.py", "promotion_params.py", "schema.py", "seal.py",
    "section.py", "seen.py", "sources/declared.py", "treated.py", "webhooks.py", "zones.py",
}  # fmt: skip
"""What the gate imports and does not judge by: records, their files, and what is told of a decision afterwards."""
SOURCE = '''"""What it is for."""

LIMIT = 3  # a reason


def kept(value: float) -> bool:
    """Whether it is."""
    return value < LIMIT
'''


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A core of one file that decides."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "holm.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path / "core"


def after(core: Path, old: str, new: str) -> str:
    """The digest of a copy with other words in it."""
    copy = core.with_name("other")
    shutil.copytree(core, copy)
    assert old in SOURCE
    (copy / "holm.py").write_text(SOURCE.replace(old, new), encoding="utf-8")
    return digest(copy)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it is for.", "Another purpose."),
        ("  # a reason", ""),
        ("Whether it is.", "Whether\n\n    it is."),
        ("LIMIT = 3", "\n\nLIMIT = (3)"),
        ('    """Whether it is."""\n', ""),
    ],
)
def test_words_about_the_code_do_not_count(core: Path, old: str, new: str) -> None:
    """Comments, docstrings and the shape of lines leave the digest as it is."""
    assert after(core, old, new) == digest(core)


@pytest.mark.parametrize(("old", "new"), [("< LIMIT", "<= LIMIT"), ("= 3", "= 4"), ("return value", "return -value")])
def test_what_the_code_does_counts(core: Path, old: str, new: str) -> None:
    """Another relation, number or sign is another digest."""
    assert after(core, old, new) != digest(core)


def test_a_file_more_or_less_counts(core: Path) -> None:
    """A new file that decides is another digest, one that does not is none."""
    before = digest(core)
    digest.cache_clear()
    (core / "report.py").write_text("a = 1\n", encoding="utf-8")
    assert digest(core) == before
    digest.cache_clear()
    (core / "metric_new.py").write_text("a = 1\n", encoding="utf-8")
    assert digest(core) != before


def test_nothing_that_the_gate_runs_is_forgotten() -> None:
    """Each file of the core that the gate's stage imports decides, or is known to be only carried along."""
    prefix = "src/ratchet/core/"
    imported = {path.removeprefix(prefix) for path in DVC["stages"]["gate"]["deps"] if path.startswith(prefix)}
    known = {str(path.relative_to(CORE)) for path in deciding()}
    sections = {path for path in imported if path.endswith("_params.py")}
    assert imported - known - CARRIED - sections == set()
    assert all(list(CORE.glob(pattern)) for pattern in DECIDING)
