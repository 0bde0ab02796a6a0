"""What `ratchet freeze` and `ratchet thaw` say where a repository has several models."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.io.git import git

PARAMS = (Path(__file__).resolve().parents[1] / "projects" / "diabetes" / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models `early` and `late` with one ledger, which is a branch of this repository."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("RATCHET_REMOTE", ".")
    git(["init", "--quiet"], cwd=tmp_path)
    for name in ("early", "late"):
        (tmp_path / "models" / name).mkdir(parents=True)
        params = PARAMS.replace("name: diabetes-progression", f"name: {name}")
        (tmp_path / "models" / name / "params.yaml").write_text(params, encoding="utf-8")
        (tmp_path / "models" / name / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*words: str) -> str:
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.exception
    return done.output.strip()


@pytest.mark.usefixtures("home")
def test_a_thaw_says_what_is_still_frozen_and_how_that_ends() -> None:
    """A freeze of all models is ended for all: a thaw of one leaves it, and must not say that nothing is frozen."""
    early, late = ("--model", "early"), ("--model", "late")
    why = ("--reason", "holidays")
    assert said(*early, "freeze", "--all", *why) == (
        "all models: frozen until ratchet --model early thaw --all (ledger entry 1)"
    )
    assert said(*late, "freeze", *why) == "late: frozen until ratchet --model late thaw (ledger entry 2)"
    assert said(*late, "thaw", *why) == (
        "thawed (ledger entry 3); all models: frozen until ratchet --model late thaw --all"
    )
    assert said(*late, "thaw", *why) == "all models: frozen until ratchet --model late thaw --all"
    assert said(*late, "thaw", "--all", *why) == "thawed (ledger entry 4)"
    assert said(*early, "thaw", *why) == "nothing is frozen"
