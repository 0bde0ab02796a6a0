"""One run of one workflow with `act`, in host mode: no container, no network, a clean environment.

Jobs inherit whatever environment act has, so act gets one made from nothing: PATH and the few switches below, a private
HOME, no git configuration, and a GITHUB_TOKEN that is none (without one act would ask `gh` for the developer's own).
Only a job that must build its own Python environment also gets the host's settings for installing packages.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.errors import ServiceFailed
from ratchet.forge import standins, strays, workflows
from ratchet.forge.events import OWNER
from ratchet.forge.home import INSIDE, Home
from ratchet.forge.tickets import Ticket
from ratchet.forge.workflows import Workflow

SWITCHES = {
    "LANG": "C.UTF-8",
    # Steps run in a pseudo terminal: without these, pagers, colours and prompts switch on.
    "TERM": "dumb",
    "NO_COLOR": "1",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    # Several threads on a machine that does other things too cost more than they save.
    "OMP_NUM_THREADS": "1",
    # A run on this machine tells nobody about itself.
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

INSTALLING = ("UV_", "PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Beginnings of the host variables that a job may see when it has to install packages: index, proxy, certificates."""

NO_CREDENTIAL = "the-forge-has-no-token-for-anything"
"""What a job gets for `github.token`."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run to be done. `folder` is where its results go, `venv` the Python environment that its jobs use."""

    home: Home
    number: int
    ticket: Ticket
    workflow: Workflow
    payload: Mapping[str, Any]
    folder: Path
    venv: Path

    @property
    def source(self) -> Path:
        """The pushed commit's files."""
        return self.home.work / "source"


def run(order: Order, host: Mapping[str, str], hear: Callable[[str], None]) -> int:
    """Run act, let `hear` have its log line by line, and return its exit code: 0 if no job failed.

    Raises UsageError for a workflow that cannot run here, before anything runs, and ServiceFailed if there is no act.
    """
    arguments = command(order)
    for folder in (order.home.work / "home", order.home.work / "act"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    _write_inputs(order)
    process = subprocess.Popen(
        arguments,
        cwd=order.home.work,
        env=environment(order, host),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        for line in process.stdout or ():
            hear(line)
    strays.end(order.home.marker)
    return process.returncode


def command(order: Order) -> list[str]:
    """act's command line. Raises UsageError for what has no stand-in or no machine here."""
    workflows.check_runnable(order.source, order.workflow)
    local = standins.arguments(workflows.third_party(order.source, order.workflow))
    work, ticket = order.home.work, order.ticket
    paths = {
        "--directory": order.source,
        "--workflows": order.source / order.workflow.path,
        "--eventpath": work / "event.json",
        "--action-cache-path": work / "act",
        "--secret-file": work / "secrets.env",
        "--var-file": order.home.variables,
        # Given, so that act does not pick up files of that name from the pushed commit.
        "--env-file": Path("/dev/null"),
        "--input-file": Path("/dev/null"),
    }
    return [
        *_dies_with_the_worker(),
        str(_act()),
        ticket.event,
        *(str(argument) for pair in paths.items() for argument in pair),
        *(argument for label in workflows.LABELS for argument in ("--platform", f"{label}=-self-hosted")),
        *("--actor", ticket.actor, "--defaultbranch", "main"),
        *("--no-cache-server", "--no-skip-checkout", "--rm", "--json"),
        *local,
        *(argument for name, value in _github(order).items() for argument in ("--env", f"{name}={value}")),
    ]


def environment(order: Order, host: Mapping[str, str]) -> dict[str, str]:
    """The environment of act, and so of every step, made from nothing but `host`'s PATH and install settings."""
    own = {
        INSIDE: order.home.root,
        "RATCHET_FORGE_ORIGIN": order.home.origin,
        "RATCHET_FORGE_ARTIFACTS": order.folder / "artifacts",
        "RATCHET_FORGE_PYTHON": sys.executable,
        "RATCHET_FORGE_TOOLS": Path(__file__).resolve().parent,
        "VENV": order.venv,
        "HOME": order.home.work / "home",
        # DVC's own default is a folder outside HOME, where every run's workspace would leave something behind.
        "DVC_SITE_CACHE_DIR": order.home.work / "dvc",
        "PATH": host.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
    }
    installs = host if order.venv == order.home.venv else {}
    passed = {name: value for name, value in installs.items() if name.upper().startswith(INSTALLING)}
    return {**passed, **SWITCHES, **{name: str(value) for name, value in own.items()}}


def _github(order: Order) -> dict[str, str]:
    """What act would otherwise guess from the folder it runs in, or would take from github.com."""
    return {
        "GITHUB_REPOSITORY": f"{OWNER}/{repository(order.home)}",
        "GITHUB_REF": order.ticket.ref,
        "SHA_REF": order.ticket.sha,
        "GITHUB_RUN_ID": str(order.number),
        "GITHUB_RUN_NUMBER": str(order.number),
        # The discard port of this machine: a call to GitHub's interface fails at once.
        "GITHUB_API_URL": "http://127.0.0.1:9",
        strays.VARIABLE: order.home.marker,
    }


def repository(home: Home) -> str:
    """What the forge's repository is called, without its owner."""
    return home.root.name.strip(".").replace(" ", "-") or "repository"


def _write_inputs(order: Order) -> None:
    work = order.home.work
    (work / "event.json").write_text(json.dumps(order.payload), encoding="utf-8")
    (work / "secrets.env").write_text(f"GITHUB_TOKEN={NO_CREDENTIAL}\n", encoding="utf-8")


def _act() -> Path:
    """act beside the Python that runs, else on PATH."""
    beside = Path(sys.executable).with_name("act")
    found = str(beside) if beside.exists() else shutil.which("act")
    if not found:
        raise ServiceFailed("act is not installed, and without it no workflow runs here", next_step="make setup")
    return Path(found)


def _dies_with_the_worker() -> list[str]:
    """What makes the kernel kill act when the worker is killed; where there is no setpriv, the next worker sweeps."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
