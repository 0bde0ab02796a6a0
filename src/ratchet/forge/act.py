"""One run of one workflow with `act`, in host mode: no container, no network, a clean environment.

Jobs inherit whatever environment act has, so act gets one made from nothing: PATH and the few switches below, a private
HOME, no git configuration, and a GITHUB_TOKEN for the forge's own API that opens nothing else and ends with the run
(without one act would ask `gh` for the developer's own). Only a run that may promote gets the key that signs versions.
Only a job that must build its own Python environment also gets the host's settings for installing packages.

A run is cancelled as on GitHub: SIGINT ends the step that runs, steps that ask for `always()` or `cancelled()` go on,
and what has not ended after a while is killed.
"""

from __future__ import annotations

import math
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from ratchet.errors import ServiceFailed
from ratchet.forge import events, jobs, standins, strays, workflows
from ratchet.forge import run as runs
from ratchet.forge.api import server as api
from ratchet.forge.home import INSIDE, Home
from ratchet.forge.run import Run
from ratchet.forge.secret_file import secret_file
from ratchet.forge.signing_secret import signing_secret
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

GLANCE_SECONDS = 0.1
"""How often it is asked whether the run is to end."""

SILENCES = 20
"""After so many glances at nothing, an act that has ended says no more, though a stray may hold its log open."""

GRACE_SECONDS = 30.0
"""How long a cancelled run may go on with what it does always."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run to be done; `venv` is the Python environment that its jobs use."""

    home: Home
    run: Run
    workflow: Workflow
    venv: Path

    @property
    def folder(self) -> Path:
        """Where the run's results go."""
        return runs.folder(self.home, self.run)

    @property
    def source(self) -> Path:
        """The commit's files."""
        return self.home.work / "source"


def run(order: Order, host: Mapping[str, str], hear: Callable[[str], None], stop: Callable[[], bool]) -> int:
    """Run act, let `hear` have its log line by line, and return its exit code: 0 if no job failed.

    `stop` is asked all the while whether the run is to be cancelled.
    Raises UsageError for a workflow that cannot run here, before anything runs, and ServiceFailed if there is no act.
    """
    token = secrets.token_hex(20)
    checked = command(order)
    for folder in (order.home.work / "home", order.home.work / "act"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    kept = {"GITHUB_TOKEN": token, **signing_secret(order.home, order.run, order.workflow, order.source)}
    with secret_file(_secrets(order), kept), api.serving(order.home, order.run.ticket, token) as url:
        process = subprocess.Popen(
            [*checked, "--env", f"GITHUB_API_URL={url}"],
            cwd=order.home.work,
            env=environment(order, host),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            _attend(process, hear, stop)
        finally:
            # Nothing outlives the run: not act when its log could not be kept, nor what a step left behind.
            process.kill()
            strays.end(order.home.marker)
        return process.wait()


def _attend(process: subprocess.Popen[str], hear: Callable[[str], None], stop: Callable[[], bool]) -> None:
    """Pass on the log until act has ended, and end act when it is to stop."""
    lines = _lines(process)
    looked, end, silent = 0.0, math.inf, 0
    while (line := _next(lines)) is not None and silent < SILENCES:
        if line:
            hear(line)
        silent = 0 if line or process.poll() is None else silent + 1
        now = time.monotonic()
        if now - looked < GLANCE_SECONDS:
            continue
        looked = now
        if end == math.inf and stop():
            end = now + GRACE_SECONDS
            process.send_signal(signal.SIGINT)
        if now >= end:
            process.kill()


def _lines(process: subprocess.Popen[str]) -> SimpleQueue[str | None]:
    """The log as it comes, and None at its end."""
    queue: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        if process.stdout:
            with process.stdout as log:
                for line in log:
                    queue.put(line)
        queue.put(None)

    threading.Thread(target=read, daemon=True).start()
    return queue


def _next(lines: SimpleQueue[str | None]) -> str | None:
    """The next line, nothing if there is none for a moment, None at the end."""
    try:
        return lines.get(timeout=GLANCE_SECONDS)
    except Empty:
        return ""


def command(order: Order) -> list[str]:
    """act's command line. Raises UsageError for what has no stand-in or no machine here."""
    read = workflows.below(order.source)
    jobs.check_runnable(read, order.workflow)
    local = standins.arguments(jobs.third_party(read, order.workflow))
    work, ticket = order.home.work, order.run.ticket
    paths = {
        "--directory": order.source,
        "--workflows": order.source / order.workflow.path,
        "--eventpath": order.folder / "event.json",
        "--action-cache-path": work / "act",
        "--secret-file": _secrets(order),
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
        *(argument for label in jobs.LABELS for argument in ("--platform", f"{label}=-self-hosted")),
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
        "RATCHET_FORGE_RUNS": order.home.runs,
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


def _secrets(order: Order) -> Path:
    return order.home.work / "secrets.env"


def _github(order: Order) -> dict[str, str]:
    """What act would otherwise guess from the folder it runs in, or would take from github.com."""
    number = str(order.run.number)
    return {
        "GITHUB_REPOSITORY": f"{events.OWNER}/{events.name_of(order.home)}",
        # Links in comments and statuses lead to the log: there is no page of the run.
        "RATCHET_RUN_PAGE": (order.folder / "log.txt").as_uri(),
        "GITHUB_REF": order.run.ticket.ref,
        "SHA_REF": order.run.ticket.sha,
        "GITHUB_RUN_ID": number,
        "GITHUB_RUN_NUMBER": number,
        strays.VARIABLE: order.home.marker,
    }


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
