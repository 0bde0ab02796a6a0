"""The stand-in for actions/upload-artifact: which files it takes, under which paths, and when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from ratchet.forge import upload

FILES = ["reports/report.md", "reports/plots/roc.png", "reports/.cache/x", "other/a.md", "top.md"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a few files."""
    for name in FILES:
        path = tmp_path / "work [1]" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path / "work [1]"


def uploaded(workspace: Path, path: str, **inputs: str) -> tuple[int, dict[str, str]]:
    """The exit code, and the artifact's files with their text."""
    target = workspace.parent / "artifacts"
    code = upload.upload(
        {
            "GITHUB_WORKSPACE": str(workspace),
            "RATCHET_FORGE_ARTIFACTS": str(target),
            "IN_NAME": "report",
            "IN_PATH": path,
            "IN_NONE": "error",
            "IN_OVERWRITE": "false",
            "IN_HIDDEN": "false",
            **inputs,
        }
    )
    found = (file for file in (target / "report").rglob("*") if file.is_file())
    return code, {file.relative_to(target / "report").as_posix(): file.read_text() for file in found}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("reports/", {"report.md": FILES[0], "plots/roc.png": FILES[1]}),
        ("reports/*.md", {"report.md": FILES[0]}),
        ("**/*.md\n!other/**", {"reports/report.md": FILES[0], "top.md": FILES[4]}),
        ("reports/report.md\nother", {"reports/report.md": FILES[0], "other/a.md": FILES[3]}),
        ("top.md", {"top.md": FILES[4]}),
    ],
)
def test_chosen_files_keep_their_paths_below_what_the_patterns_share(
    workspace: Path, path: str, names: dict[str, str]
) -> None:
    """An artifact holds the chosen files, hidden ones left out, relative to the patterns' common folder."""
    assert uploaded(workspace, path) == (0, names)


def test_hidden_files_come_when_asked_for(workspace: Path) -> None:
    """With include-hidden-files, a file in a folder whose name starts with a dot is part of the artifact."""
    assert ".cache/x" in uploaded(workspace, "reports", IN_HIDDEN="true")[1]


@pytest.mark.parametrize(("policy", "code"), [("error", 1), ("warn", 0), ("ignore", 0)])
def test_no_files_is_what_the_step_says_it_is(workspace: Path, policy: str, code: int) -> None:
    """Patterns that choose nothing fail the step only if if-no-files-found is error."""
    assert uploaded(workspace, "nowhere/", IN_NONE=policy) == (code, {})


def test_a_name_is_used_once(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second artifact of the same name is refused and leaves the first; with overwrite it replaces it."""
    uploaded(workspace, "top.md")
    assert uploaded(workspace, "other") == (1, {"top.md": FILES[4]})
    assert "already has an artifact called report" in capsys.readouterr().out
    assert uploaded(workspace, "other", IN_OVERWRITE="true") == (0, {"a.md": FILES[3]})


@pytest.mark.parametrize("name", ["", "../escape", ".hidden", "a\\b"])
def test_a_name_that_is_no_folder_name_is_refused(workspace: Path, name: str) -> None:
    """An artifact cannot be written outside the run's own folder."""
    assert uploaded(workspace, "top.md", IN_NAME=name) == (1, {})
