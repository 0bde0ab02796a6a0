"""The environment, the project's own file and the defaults, in this order."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from ratchet.cli.common import settings_kept
from ratchet.errors import UsageError
from ratchet.settings import TOKENS, GitHubSettings, Secret, find_root, load_settings, read_env_file

if TYPE_CHECKING:
    import typer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a file of settings for this machine."""
    (tmp_path / "params.yaml").write_text("", encoding="utf-8")
    (tmp_path / ".ratchet").mkdir()
    (tmp_path / ".ratchet" / "env").write_text(
        "# written by ratchet forge init\n\nMLFLOW_TRACKING_URI = http://127.0.0.1:5000 \nRATCHET_REMOTE=forge\n"
        "RATCHET_REASON=a=b\nDVC_REMOTE_URL=\n",
        encoding="utf-8",
    )
    return tmp_path


def test_without_anything_there_are_defaults(tmp_path: Path) -> None:
    """A store beside the project, no remote, no token, and the login name."""
    found = load_settings(tmp_path, {})
    assert found.mlflow_uri == f"sqlite:///{tmp_path}/.ratchet/mlflow.db"
    assert (found.dvc_remote, found.git_remote, found.git_token.value, found.reason) == (None, "", "", "")
    assert (found.actor, found.private) == (getpass.getuser(), tmp_path / ".ratchet")


def test_the_projects_file_wins_over_the_defaults(root: Path) -> None:
    """Comments and blank lines are skipped, spaces trimmed, and a value may hold an equals sign."""
    found = load_settings(root, {})
    assert (found.mlflow_uri, found.git_remote, found.reason) == ("http://127.0.0.1:5000", "forge", "a=b")
    assert not found.dvc_remote


def test_the_environment_wins_over_the_projects_file(root: Path) -> None:
    """A variable of the process is the last word, but an empty one says nothing."""
    found = load_settings(root, {"MLFLOW_TRACKING_URI": "sqlite:///x.db", "RATCHET_REMOTE": ""})
    assert (found.mlflow_uri, found.git_remote) == ("sqlite:///x.db", "forge")


@pytest.mark.parametrize(
    ("environment", "actor"),
    [
        ({"RATCHET_ACTOR": "ann", "GITHUB_ACTOR": "bot"}, "ann"),
        ({"RATCHET_ACTOR": "", "GITHUB_ACTOR": "bot"}, "bot"),
    ],
)
def test_who_acts_is_who_says_so(tmp_path: Path, environment: dict[str, str], actor: str) -> None:
    """The own variable wins over GitHub's."""
    assert load_settings(tmp_path, environment).actor == actor


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    """Neither the settings nor the token show it, and no token shows as nothing."""
    found = load_settings(tmp_path, {"RATCHET_GIT_TOKEN": "s3cret", "GITHUB_TOKEN": "s3cret"})
    assert "s3cret" not in f"{found} {found!r} {found.git_token} {found.git_token!r}"
    assert (str(found.git_token), str(Secret(""))) == ("***", "")


def test_a_workflow_says_where_github_is(tmp_path: Path) -> None:
    """Names are GitHub's own, an own token comes first, and the run has a page."""
    said = {
        "RATCHET_GITHUB_TOKEN": "own", "GITHUB_TOKEN": "job", "GITHUB_REPOSITORY": "acme/model", "GITHUB_RUN_ID": "7",
        "GITHUB_API_URL": "http://127.0.0.1:9/", "GITHUB_SERVER_URL": "https://git.example/", "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_PATH": "/e.json", "GITHUB_STEP_SUMMARY": "/s.md",
    }  # fmt: skip
    assert load_settings(tmp_path, said).github == GitHubSettings(
        token=Secret("own"),
        repository="acme/model",
        api_url="http://127.0.0.1:9",
        run_id=7,
        run_page="https://git.example/acme/model/actions/runs/7",
        repository_page="https://git.example/acme/model",
        event=Path("/e.json"),
        summary=Path("/s.md"),
        in_workflow=True,
    )


@pytest.mark.parametrize(
    ("said", "page"),
    [
        ({}, ""),
        ({"GITHUB_RUN_ID": "7"}, ""),
        ({"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "a/b"}, "https://github.com/a/b/actions/runs/7"),
        ({"GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "a/b", "RATCHET_RUN_PAGE": "file:///runs/7"}, "file:///runs/7"),
    ],
)
def test_a_runs_page_needs_a_run(tmp_path: Path, said: dict[str, str], page: str) -> None:
    """It is made from the repository and the run, unless it is said to be elsewhere."""
    assert load_settings(tmp_path, said).github.run_page == page


def test_outside_a_workflow_there_is_github_com_and_no_token(tmp_path: Path) -> None:
    """Nothing said is the public GitHub, without anything that would let one in."""
    assert load_settings(tmp_path, {}).github == GitHubSettings()


def test_the_root_is_the_nearest_folder_with_parameters(root: Path) -> None:
    """From anywhere inside the project, and from a project inside a project, the nearest one."""
    inner = root / "a" / "b"
    inner.mkdir(parents=True)
    assert find_root(inner) == find_root(root) == root
    (root / "a" / "params.yaml").write_text("", encoding="utf-8")
    assert find_root(inner) == root / "a"


def test_outside_a_project_there_is_no_root(tmp_path: Path) -> None:
    """The folder where the search began is named, and how to name another."""
    with pytest.raises(UsageError, match=f"no params.yaml in {tmp_path} or above it") as refused:
        find_root(tmp_path)
    assert "--project" in refused.value.next_step


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """Most projects have none."""
    assert read_env_file(tmp_path / "env") == {}


def test_stages_inherit_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that starts stages keeps its token to itself: they run the room's code, whoever changed it."""
    for name in TOKENS:
        monkeypatch.setenv(name, "secret")
    (tmp_path / "params.yaml").write_text("", encoding="utf-8")
    context = SimpleNamespace(obj=tmp_path)
    assert settings_kept(cast("typer.Context", context)).git_token.value == "secret"
    assert [name for name in TOKENS if name in os.environ] == []
