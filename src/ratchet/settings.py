"""The environment, read in one place.

A variable of the process wins over the project's `.ratchet/env` (written by `ratchet forge init`, never committed),
which wins over the default: an SQLite store and no remote at all.

MLFLOW_TRACKING_URI   where runs and the registry live
DVC_REMOTE_URL        where DVC pushes data and models
RATCHET_REMOTE        the git remote that holds the ledger
RATCHET_GIT_TOKEN     a token for pushing to that remote over https; printed masked, never written to a file
RATCHET_ACTOR         who acts, for the ledger (else GITHUB_ACTOR, else the login name)
RATCHET_REASON        why a run was started, for its record
AWS_*                 the keys and the endpoint of an S3-compatible store, for a source in params.yaml; and whatever
                      variables its url_env and header_env name

Of a workflow, and named as GitHub names them:

GITHUB_TOKEN          a token for the API (RATCHET_GITHUB_TOKEN comes first); printed masked
GITHUB_REPOSITORY     owner/name
GITHUB_API_URL        where the API is; https://api.github.com by default
GITHUB_SERVER_URL     where people look; https://github.com by default
GITHUB_RUN_ID         the run, for links to it (RATCHET_RUN_PAGE, where its page has another address)
GITHUB_EVENT_PATH     the event's payload
GITHUB_STEP_SUMMARY   the file that Markdown for the run's page is appended to
GITHUB_ACTIONS        "true" in a workflow
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.errors import UsageError

PARAMS = "params.yaml"
TOKENS = ("RATCHET_GIT_TOKEN", "RATCHET_GITHUB_TOKEN", "GITHUB_TOKEN")
"""Variables that hold tokens."""
NO_REMOTE = "."
"""As a git remote, the repository itself: the ledger branch is then a local one."""


@dataclass(frozen=True)
class Secret:
    """A value that prints masked."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***" if self.value else ""


@dataclass(frozen=True, kw_only=True)
class GitHubSettings:
    """What a workflow's environment says about GitHub, or about what speaks its language."""

    token: Secret = Secret("")
    repository: str = ""
    api_url: str = "https://api.github.com"
    run_page: str = ""
    event: Path | None = None
    summary: Path | None = None
    in_workflow: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are, for one project on one machine."""

    root: Path
    mlflow_uri: str
    dvc_remote: str | None
    git_remote: str
    git_token: Secret
    actor: str
    reason: str
    github: GitHubSettings = GitHubSettings()

    @property
    def private(self) -> Path:
        """The folder for what belongs to this machine alone."""
        return self.root / ".ratchet"


def forget_tokens() -> None:
    """Take the tokens out of this process's environment, so that nothing it starts inherits them."""
    for name in TOKENS:
        os.environ.pop(name, None)


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds params.yaml. Raises UsageError if there is none."""
    for folder in (start, *start.parents):
        if (folder / PARAMS).is_file():
            return folder
    raise UsageError(
        f"no {PARAMS} in {start} or above it", next_step="run ratchet inside a project, or name it with --project"
    )


def load_settings(root: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the project at `root`."""
    known = load_environment(root, environment)
    return Settings(
        root=root,
        mlflow_uri=known.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / '.ratchet' / 'mlflow.db'}",
        dvc_remote=known.get("DVC_REMOTE_URL"),
        git_remote=known.get("RATCHET_REMOTE", ""),
        git_token=Secret(known.get("RATCHET_GIT_TOKEN", "")),
        actor=known.get("RATCHET_ACTOR") or known.get("GITHUB_ACTOR") or getpass.getuser(),
        reason=known.get("RATCHET_REASON", ""),
        github=_github(known),
    )


def load_environment(root: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All variables of the process and of the project; what params.yaml names for a source is one of them."""
    return {
        **read_env_file(root / ".ratchet" / "env"),
        **{name: value for name, value in environment.items() if value},
    }


def _github(known: Mapping[str, str]) -> GitHubSettings:
    return GitHubSettings(
        token=Secret(known.get("RATCHET_GITHUB_TOKEN") or known.get("GITHUB_TOKEN", "")),
        repository=known.get("GITHUB_REPOSITORY", ""),
        api_url=known.get("GITHUB_API_URL", GitHubSettings.api_url).rstrip("/"),
        run_page=_run_page(known),
        event=_path(known.get("GITHUB_EVENT_PATH")),
        summary=_path(known.get("GITHUB_STEP_SUMMARY")),
        in_workflow=known.get("GITHUB_ACTIONS") == "true",
    )


def _run_page(known: Mapping[str, str]) -> str:
    """The address of the run's page, or an empty string outside a run."""
    run, repository = known.get("GITHUB_RUN_ID"), known.get("GITHUB_REPOSITORY")
    server = known.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    page = f"{server}/{repository}/actions/runs/{run}" if run and repository else ""
    return known.get("RATCHET_RUN_PAGE") or page


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


def read_env_file(path: Path) -> dict[str, str]:
    """KEY=VALUE lines; blank lines and lines that start with # are skipped. A file that is not there is empty."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
