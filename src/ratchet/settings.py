"""The environment, read in one place.

A variable of the process wins over the repository's `.ratchet/env` (written by `ratchet forge init`, never committed),
which wins over the default: an SQLite store and no remote at all. A repository may hold several projects, each a model
in a folder of its own: they share its `.git`, `.dvc`, `.ratchet/env` and store.

MLFLOW_TRACKING_URI   where runs and the registry live
DVC_REMOTE_URL        where DVC pushes data and models
RATCHET_REMOTE        the git remote that holds the ledger
RATCHET_GIT_TOKEN     a token for pushing to that remote over https; printed masked, never written to a file
RATCHET_SIGNING_KEY   the private key that signs model versions, PEM; printed masked, inherited by nothing
RATCHET_WEBHOOK_*     SECRET and URL: whatever promotion.webhooks of params.yaml names, by default these; never printed
RATCHET_MODEL         the model that commands are about, where the repository has several and none is named
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
MODEL = "RATCHET_MODEL"
"""The variable that names a model; `cli.app` reads it, as the option `--model`."""
TOKENS = (
    "RATCHET_GIT_TOKEN", "RATCHET_GITHUB_TOKEN", "GITHUB_TOKEN", "RATCHET_SIGNING_KEY", "RATCHET_WEBHOOK_SECRET",
    "RATCHET_WEBHOOK_URL",
)  # fmt: skip
"""Variables that hold what only this process may use."""
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
    run_id: int = 0
    run_page: str = ""
    repository_page: str = ""
    event: Path | None = None
    summary: Path | None = None
    in_workflow: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are, for one project on one machine: `root` is the project's folder."""

    root: Path
    mlflow_uri: str
    dvc_remote: str | None
    git_remote: str
    git_token: Secret
    actor: str
    reason: str
    github: GitHubSettings = GitHubSettings()
    signing_key: Secret = Secret("")

    @property
    def private(self) -> Path:
        """The folder for what belongs to this machine and this project alone."""
        return self.root / ".ratchet"


def forget_tokens() -> None:
    """Take the tokens out of this process's environment, so that nothing it starts inherits them."""
    for name in TOKENS:
        os.environ.pop(name, None)


def forget_model() -> None:
    """Take the model's name out of this process's environment: what it starts knows its project by the folder."""
    os.environ.pop(MODEL, None)


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds params.yaml. Raises UsageError if there is none."""
    for folder in (start, *start.parents):
        if (folder / PARAMS).is_file():
            return folder
    raise UsageError(
        f"no {PARAMS} in {start} or above it",
        next_step="run ratchet inside a project, or name it with --model or --project",
    )


def find_home(root: Path) -> Path:
    """The repository's folder: the nearest at or above the project `root` with `.dvc` or `.git`; `root` if none has."""
    for folder in (root, *root.parents):
        if (folder / ".dvc").is_dir() or (folder / ".git").exists():
            return folder
    return root


def shared(root: Path, name: str) -> str:
    """The path, relative to the project `root`, of a file or folder that the repository has for all its projects.

    Such as `../../requirements/run.txt`; for a project that is the whole repository it is `name` itself.
    """
    return Path(os.path.relpath(find_home(root) / name, root)).as_posix()


def source_folders(root: Path) -> tuple[Path, ...]:
    """The folders that rooms are looked for in: the project's own `src`, then the one that projects share."""
    home = find_home(root)
    return (root / "src",) if home == root else (root / "src", home / "src")


def load_settings(root: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the project at `root`."""
    known = load_environment(root, environment)
    return Settings(
        root=root,
        mlflow_uri=known.get("MLFLOW_TRACKING_URI") or f"sqlite:///{find_home(root) / '.ratchet' / 'mlflow.db'}",
        dvc_remote=known.get("DVC_REMOTE_URL"),
        git_remote=known.get("RATCHET_REMOTE", ""),
        git_token=Secret(known.get("RATCHET_GIT_TOKEN", "")),
        actor=known.get("RATCHET_ACTOR") or known.get("GITHUB_ACTOR") or getpass.getuser(),
        reason=known.get("RATCHET_REASON", ""),
        github=_github(known),
        signing_key=Secret(known.get("RATCHET_SIGNING_KEY", "")),
    )


def load_environment(root: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All variables of the process and of the repository; what params.yaml names for a source is one of them."""
    return {
        **read_env_file(find_home(root) / ".ratchet" / "env"),
        **{name: value for name, value in environment.items() if value},
    }


def _github(known: Mapping[str, str]) -> GitHubSettings:
    return GitHubSettings(
        token=Secret(known.get("RATCHET_GITHUB_TOKEN") or known.get("GITHUB_TOKEN", "")),
        repository=known.get("GITHUB_REPOSITORY", ""),
        api_url=known.get("GITHUB_API_URL", GitHubSettings.api_url).rstrip("/"),
        run_id=int(run) if (run := known.get("GITHUB_RUN_ID", "")).isdecimal() else 0,
        run_page=_run_page(known),
        repository_page=_repository_page(known),
        event=_path(known.get("GITHUB_EVENT_PATH")),
        summary=_path(known.get("GITHUB_STEP_SUMMARY")),
        in_workflow=known.get("GITHUB_ACTIONS") == "true",
    )


def _run_page(known: Mapping[str, str]) -> str:
    """The address of the run's page, or an empty string outside a run."""
    run, repository = known.get("GITHUB_RUN_ID"), _repository_page(known)
    page = f"{repository}/actions/runs/{run}" if run and repository else ""
    return known.get("RATCHET_RUN_PAGE") or page


def _repository_page(known: Mapping[str, str]) -> str:
    """The address of the repository's page, or an empty string where it is not known."""
    server = known.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
    return f"{server}/{known['GITHUB_REPOSITORY']}" if known.get("GITHUB_REPOSITORY") else ""


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None


def read_env_file(path: Path) -> dict[str, str]:
    """KEY=VALUE lines; blank lines and lines that start with # are skipped. A file that is not there is empty."""
    if not path.is_file():
        return {}
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
