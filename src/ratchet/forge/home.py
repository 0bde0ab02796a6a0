"""Where a forge keeps everything: one folder, by default next to the checkout it serves.

origin.git/         the bare repository that is pushed to
queue/              one JSON file for each event that is not done, and its progress as text
open/               one JSON file for each run that has not ended: queued, under way, or waiting for approval
runs/0002-retrain/  what a run left: result.json, log.txt, log.jsonl, summary.md, artifacts/
work/               the run that is under way; swept by the next worker
dvc/  mlflow/       the data remote, the runs and the registry
venv/               an environment built from a pushed lock that is not the developer's
vars.env            what GitHub calls repository variables
environments.json   the environments that need an approval
checkouts.json      the checkouts that it was connected to, the newest first
deployments.json    what serves where, as jobs told it
pulls/  comments/  statuses/  pull requests, and what was said about them
lock                held by the worker
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import ratchet
from ratchet.errors import ServiceFailed, UsageError
from ratchet.io.files import write_json, write_text
from ratchet.io.git import git, git_says
from ratchet.settings import read_env_file

REMOTE = "forge"
"""What the forge is called among a checkout's git remotes."""

DVC_REMOTE = "storage"
"""What the data remote is called in DVC's configuration."""

INSIDE = "RATCHET_FORGE_HOME"
"""Set in every job, to the home of its forge: a push from there starts no run, as GitHub's own token has it."""

PLAIN_PATH = re.compile(r"[\w./+@:, -]+")
"""Characters that mean themselves in a dotenv file, an ini file and an SQLite URL alike."""

HOOK = """\
#!/bin/sh
# A push has landed: queue it, and show how it goes.
PYTHONPATH={source} exec {python} -P -m ratchet.forge.hook {root}
"""


@dataclass(frozen=True)
class Home:
    """The folder of one forge, as an absolute path."""

    root: Path

    @property
    def origin(self) -> Path:
        """The bare repository."""
        return self.root / "origin.git"

    @property
    def queue(self) -> Path:
        """Events that are not done."""
        return self.root / "queue"

    @property
    def open(self) -> Path:
        """Runs that have not ended."""
        return self.root / "open"

    @property
    def runs(self) -> Path:
        """One folder for each run that ended."""
        return self.root / "runs"

    @property
    def work(self) -> Path:
        """The run that is under way; nothing in it outlives it."""
        return self.root / "work"

    @property
    def venv(self) -> Path:
        """The Python environment of jobs whose lock file the developer's own environment was not built from."""
        return self.root / "venv"

    @property
    def dvc(self) -> Path:
        """The data remote."""
        return self.root / "dvc"

    @property
    def mlflow_db(self) -> Path:
        """The SQLite file of runs and registry."""
        return self.root / "mlflow" / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """The folder of run artifacts and models."""
        return self.root / "mlflow" / "artifacts"

    @property
    def variables(self) -> Path:
        """The repository variables, as a dotenv file."""
        return self.root / "vars.env"

    @property
    def environments(self) -> Path:
        """The file that names the environments that need an approval."""
        return self.root / "environments.json"

    @property
    def lock(self) -> Path:
        """The file whose lock the worker holds."""
        return self.root / "lock"

    @property
    def marker(self) -> str:
        """The RUNNER_TRACKING_ID of every process that a job of this forge starts."""
        return f"ratchet-forge-{hashlib.sha256(str(self.root).encode()).hexdigest()[:16]}"


def package_source() -> Path:
    """The folder that holds the `ratchet` package that is running."""
    return Path(ratchet.__file__).resolve().parents[1]


def create(home: Home, *, python: Path) -> None:
    """Make the forge at `home`, whose hook runs `python`; what is already there stays as it is.

    Raises UsageError for a path that cannot stand in a configuration file.
    """
    _check_path(home.root)
    for folder in (home.queue, home.open, home.runs, home.dvc, home.mlflow_artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    if not (home.origin / "HEAD").exists():
        git(["init", "--quiet", "--bare", "--initial-branch=main", "--template=", str(home.origin)], cwd=home.root)
    # Said here because a hooksPath in the user's own configuration would otherwise silence the hook.
    git(["config", "core.hooksPath", str(home.origin / "hooks")], cwd=home.origin)
    git(["config", "uploadpack.allowAnySHA1InWant", "true"], cwd=home.origin)
    _install_hook(home, python)
    if not home.variables.exists():
        write_text(home.variables, _dotenv(_addresses(home)))


def connect(home: Home, checkout: Path, *, remote: str = REMOTE) -> None:
    """Make the forge a remote of `checkout`, for git, for DVC and for `ratchet`; doing it twice changes nothing.

    Raises UsageError if there is no forge at `home`, or the checkout has another remote of that name.
    """
    if not home.variables.exists():
        raise UsageError(f"there is no forge at {home.root}", next_step="make one: ratchet forge init")
    _add_remote(home, checkout, remote)
    variables = read_env_file(home.variables)
    env = checkout / ".ratchet" / "env"
    write_text(env, _dotenv({**read_env_file(env), **variables, "RATCHET_REMOTE": remote}))
    _point_dvc(checkout / ".dvc" / "config.local", variables["DVC_REMOTE_URL"])
    known = [str(each) for each in checkouts(home) if each != checkout.resolve()]
    write_json(_checkouts(home), [str(checkout.resolve()), *known])


def checkouts(home: Home) -> list[Path]:
    """The checkouts that the forge was connected to and that are still there, the newest first."""
    try:
        found = json.loads(_checkouts(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [path for path in map(Path, found) if path.is_dir()]


def _check_path(root: Path) -> None:
    if not root.is_absolute() or not PLAIN_PATH.fullmatch(str(root)):
        raise UsageError(
            f"a forge cannot live at {root}: its path must be absolute, and without quotes, #, %, $ or backslashes",
            next_step="choose another folder",
        )


def _checkouts(home: Home) -> Path:
    return home.root / "checkouts.json"


def _addresses(home: Home) -> dict[str, str]:
    return {"MLFLOW_TRACKING_URI": f"sqlite:///{home.mlflow_db}", "DVC_REMOTE_URL": str(home.dvc)}


def _dotenv(variables: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def _install_hook(home: Home, python: Path) -> None:
    hook = home.origin / "hooks" / "post-receive"
    values = {"source": package_source(), "python": python, "root": home.root}
    write_text(hook, HOOK.format(**{name: shlex.quote(str(value)) for name, value in values.items()}))
    hook.chmod(0o755)


def _add_remote(home: Home, checkout: Path, remote: str) -> None:
    if git_says(["rev-parse", "--git-dir"], cwd=checkout) is None:
        raise UsageError(f"{checkout} is not a git repository", next_step="git init -b main")
    known = git_says(["remote", "get-url", remote], cwd=checkout)
    if known is None:
        git(["remote", "add", remote, str(home.origin)], cwd=checkout)
    elif known != str(home.origin):
        raise UsageError(
            f"the checkout's remote {remote} is {known}, not the forge at {home.origin}",
            next_step=f"git remote rename {remote} <another name>, or choose another name for the forge's remote",
        )


def _point_dvc(path: Path, url: str) -> None:
    """Set the default remote in DVC's private configuration, and keep what else is in it."""
    config = configparser.RawConfigParser()
    try:
        config.read(path, encoding="utf-8")
    except configparser.Error as error:
        raise ServiceFailed(f"{path} cannot be read: {error}", next_step="mend or remove the file") from error
    wanted = {"core": {"remote": DVC_REMOTE}, f"'remote \"{DVC_REMOTE}\"'": {"url": url}}
    for section, values in wanted.items():
        if not config.has_section(section):
            config.add_section(section)
        for name, value in values.items():
            config.set(section, name, value)
    write_text(path, "".join(_section(name, dict(config.items(name))) for name in config.sections()))


def _section(name: str, values: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"    {key} = {value}\n" for key, value in values.items())
