"""What is to be done next can be typed as it stands, wherever a person stands and however the project was named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ratchet.cli.app import app
from ratchet.cli.typed import ANY_MODEL, from_here, retyped
from ratchet.errors import UsageError
from ratchet.io.git import git
from ratchet.settings import MODEL

COMMANDS = ("run", "data", "history", *ANY_MODEL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratchet run", "ratchet --model late run"),
        (
            "run it: ratchet run; `ratchet data list`",
            "run it: ratchet --model late run; `ratchet --model late data list`",
        ),
        ("ratchet pr list", "ratchet pr list"),
        ("run ratchet inside a project", "run ratchet inside a project"),
        ("ratchet --model early run", "ratchet --model early run"),
        ("ratchet runs", "ratchet runs"),
    ],
)
def test_only_commands_about_a_project_are_typed_anew(text: str, expected: str) -> None:
    """A sentence, a command of the whole repository, and one that names its model stay as they are."""
    assert retyped(text, "--model late", COMMANDS) == expected
    assert retyped(text, "", COMMANDS) == text


def test_a_path_is_typed_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative where it lies below; whole where it does not."""
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "models" / "late" / "data") == "models/late/data"
    assert from_here(tmp_path.parent / "other") == str(tmp_path.parent / "other")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two projects whose params.yaml name a model and nothing else: every command that reads them is refused."""
    git(["init", "--quiet"], cwd=tmp_path)
    for name in ("early", "late"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "params.yaml").write_text(f"project: {{name: {name}}}\n", encoding="utf-8")
        (tmp_path / "models" / name / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(MODEL, raising=False)
    return tmp_path


def refused(*words: str) -> str:
    """What a command that is refused says."""
    error = CliRunner().invoke(app, list(words)).exception
    assert isinstance(error, UsageError)
    return str(error)


def test_the_place_and_the_words_are_those_that_were_typed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the top both are said; in the model's own folder, or below it, neither is."""
    assert "\n  in: models/late" in refused("--model", "late", "data", "show", "x")
    assert "\n  in: models/late" in refused("--project", "models/late", "data", "show", "x")
    (home / "models" / "late" / "data").mkdir()
    monkeypatch.chdir(home / "models" / "late" / "data")
    assert "\n  in: " not in refused("data", "show", "x")
    assert "\n  in: ../../early" in refused("--model", "early", "data", "show", "x")


@pytest.mark.usefixtures("home")
def test_what_is_typed_counts_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that names the project wins; and processes that the command starts are told of no model."""
    for words, place in ((("--model", "early"), "early"), (("--project", "models/early"), "early"), ((), "late")):
        monkeypatch.setenv(MODEL, "late")
        assert f"in: models/{place}" in refused(*words, "data", "show", "x")
        assert MODEL not in os.environ


@pytest.mark.usefixtures("home")
def test_where_no_project_is_the_models_are_named() -> None:
    """With the command that was typed, and the first of them."""
    said = refused("history")
    assert "early in models/early, late in models/late" in said
    assert "next: name the one you mean: ratchet --model early history; or type it in its folder" in said
